DROP INDEX "orders_open_idx";
DROP TRIGGER "orders_updated_at" ON "orders";
DROP TRIGGER "products_updated_at" ON "products";
DROP TRIGGER "user_profiles_updated_at" ON "user_profiles";
DROP FUNCTION "set_updated_at"();
