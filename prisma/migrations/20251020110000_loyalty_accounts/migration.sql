-- CreateEnum
CREATE TYPE "loyalty_tier" AS ENUM ('BRONZE', 'SILVER', 'GOLD');

-- CreateTable
CREATE TABLE "loyalty_accounts" (
    "user_id" UUID NOT NULL,
    "points" INTEGER NOT NULL DEFAULT 0,
    "tier" "loyalty_tier" NOT NULL DEFAULT 'BRONZE',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "loyalty_accounts_pkey" PRIMARY KEY ("user_id")
);

-- CreateIndex
CREATE INDEX "loyalty_accounts_tier_idx" ON "loyalty_accounts"("tier");

-- AddForeignKey
ALTER TABLE "loyalty_accounts" ADD CONSTRAINT "loyalty_accounts_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "user_profiles"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Backfill: whoever has paid gets the points of what was paid.
INSERT INTO "loyalty_accounts" ("user_id", "points", "tier")
SELECT
    earned."user_id",
    earned."points",
    CASE
        WHEN earned."points" >= 2000 THEN 'GOLD'
        WHEN earned."points" >= 750 THEN 'SILVER'
        ELSE 'BRONZE'
    END::"loyalty_tier"
FROM (
    SELECT o."user_id", floor(sum(p."amount") / 1000)::integer AS "points"
    FROM "orders" o
    JOIN "payments" p ON p."order_id" = o."id" AND p."status" = 'CAPTURED'
    WHERE o."user_id" IS NOT NULL
    GROUP BY o."user_id"
) earned;

CREATE TRIGGER "loyalty_accounts_updated_at" BEFORE UPDATE ON "loyalty_accounts"
    FOR EACH ROW EXECUTE FUNCTION "set_updated_at"();
