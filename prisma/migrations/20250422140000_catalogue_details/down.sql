ALTER TABLE "categories" DROP COLUMN "parent_id";
ALTER TABLE "products" DROP COLUMN "tags", DROP COLUMN "attributes";
ALTER TABLE "user_profiles" DROP COLUMN "baby_birth";
