-- Rows that are changed by SQL, not by the application, get their time of change too.
CREATE FUNCTION "set_updated_at"() RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    IF NEW.updated_at IS NOT DISTINCT FROM OLD.updated_at THEN
        NEW.updated_at := CURRENT_TIMESTAMP;
    END IF;
    RETURN NEW;
END;
$$;

CREATE TRIGGER "user_profiles_updated_at" BEFORE UPDATE ON "user_profiles"
    FOR EACH ROW EXECUTE FUNCTION "set_updated_at"();

CREATE TRIGGER "products_updated_at" BEFORE UPDATE ON "products"
    FOR EACH ROW EXECUTE FUNCTION "set_updated_at"();

CREATE TRIGGER "orders_updated_at" BEFORE UPDATE ON "orders"
    FOR EACH ROW EXECUTE FUNCTION "set_updated_at"();

-- The warehouse lists open orders all day; they are few among all.
CREATE INDEX "orders_open_idx" ON "orders"("placed_at") WHERE "status" IN ('PENDING', 'PAID');
