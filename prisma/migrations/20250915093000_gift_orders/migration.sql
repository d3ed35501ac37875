-- AlterTable
ALTER TABLE "orders" ADD COLUMN     "delivery_instructions" VARCHAR(500),
ADD COLUMN     "gift_message" TEXT;

-- CreateIndex
CREATE INDEX "orders_placed_at_idx" ON "orders"("placed_at");
