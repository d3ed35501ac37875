DROP TABLE "loyalty_accounts";
DROP TYPE "loyalty_tier";
