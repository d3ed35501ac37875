DROP INDEX "orders_placed_at_idx";
ALTER TABLE "orders" DROP COLUMN "gift_message", DROP COLUMN "delivery_instructions";
