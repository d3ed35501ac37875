-- By hand, as Prisma makes no views and no triggers.
CREATE VIEW "day totals" AS
SELECT "day", sum("price") AS "total" FROM "select" GROUP BY "day";

CREATE FUNCTION "fill search"() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
  -- A body with semicolons; and quotes of its own.
  NEW."search" := to_tsvector('simple', coalesce(array_to_string(NEW."notes", $x$ ; $x$), ''));
  RETURN NEW;
END;
$function$;

CREATE TRIGGER "fill search" BEFORE INSERT OR UPDATE ON "select" FOR EACH ROW EXECUTE FUNCTION "fill search"();

-- No extension's schema is in the search path of a reader: the operator class says where it is.
CREATE INDEX "select_search_idx" ON "select" USING gin ("search");
CREATE INDEX "Tag_label_trgm_idx" ON "Tag" USING gin (("label"::text) gin_trgm_ops);
