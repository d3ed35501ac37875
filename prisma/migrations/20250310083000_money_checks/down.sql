ALTER TABLE "payments" DROP CONSTRAINT "payments_paid_at_check", DROP CONSTRAINT "payments_amount_check";
ALTER TABLE "orders" DROP CONSTRAINT "orders_total_check";
ALTER TABLE "order_items" DROP CONSTRAINT "order_items_unit_price_check", DROP CONSTRAINT "order_items_quantity_check";
ALTER TABLE "product_variants" DROP CONSTRAINT "product_variants_stock_check", DROP CONSTRAINT "product_variants_price_check";
