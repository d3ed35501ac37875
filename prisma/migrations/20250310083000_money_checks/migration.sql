-- Prisma's schema cannot express CHECK constraints; they are kept here.
ALTER TABLE "product_variants"
    ADD CONSTRAINT "product_variants_price_check" CHECK ("price" >= 0),
    ADD CONSTRAINT "product_variants_stock_check" CHECK ("stock" >= 0);

ALTER TABLE "order_items"
    ADD CONSTRAINT "order_items_quantity_check" CHECK ("quantity" > 0),
    ADD CONSTRAINT "order_items_unit_price_check" CHECK ("unit_price" >= 0);

ALTER TABLE "orders"
    ADD CONSTRAINT "orders_total_check" CHECK ("subtotal" >= 0 AND "shipping" >= 0 AND "total" = "subtotal" + "shipping");

ALTER TABLE "payments"
    ADD CONSTRAINT "payments_amount_check" CHECK ("amount" > 0),
    ADD CONSTRAINT "payments_paid_at_check" CHECK ("status" <> 'CAPTURED' OR "paid_at" IS NOT NULL);
