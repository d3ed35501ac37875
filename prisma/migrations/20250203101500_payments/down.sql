DROP TABLE "payments";
DROP TYPE "payment_method";
DROP TYPE "payment_status";
