-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "auth";

-- CreateExtension
CREATE EXTENSION IF NOT EXISTS "citext";

-- CreateExtension
CREATE EXTENSION IF NOT EXISTS "pg_trgm";

-- CreateExtension
CREATE EXTENSION IF NOT EXISTS "pgcrypto";

-- CreateExtension
CREATE EXTENSION IF NOT EXISTS "uuid-ossp";

-- CreateEnum
CREATE TYPE "auth"."role kinds" AS ENUM ('ADMIN', 'it''s a carer');

-- CreateTable
CREATE TABLE "auth"."accounts of the clinic" (
    "tenant" INTEGER NOT NULL,
    "number" INTEGER NOT NULL,
    "email" CITEXT NOT NULL,
    "token" UUID NOT NULL DEFAULT gen_random_uuid(),
    "roles" "auth"."role kinds"[],
    "created" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "bossTenant" INTEGER,
    "bossNumber" INTEGER,

    CONSTRAINT "accounts of the clinic_pkey" PRIMARY KEY ("tenant","number")
);

-- CreateTable
CREATE TABLE "select" (
    "id" BIGSERIAL NOT NULL,
    "account_tenant" INTEGER NOT NULL,
    "account_number" INTEGER NOT NULL,
    "price" DECIMAL(12,2) NOT NULL,
    "notes" VARCHAR(200)[],
    "search" tsvector,
    "day" DATE NOT NULL,
    "metadata" JSONB NOT NULL DEFAULT '{}',

    CONSTRAINT "select_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Tag" (
    "id" UUID NOT NULL DEFAULT uuid_generate_v4(),
    "label" CITEXT NOT NULL,

    CONSTRAINT "Tag_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "_TagToVisit" (
    "A" UUID NOT NULL,
    "B" BIGINT NOT NULL,

    CONSTRAINT "_TagToVisit_AB_pkey" PRIMARY KEY ("A","B")
);

-- CreateIndex
CREATE UNIQUE INDEX "accounts of the clinic_email_key" ON "auth"."accounts of the clinic"("email");

-- CreateIndex
CREATE INDEX "accounts of the clinic_bossTenant_bossNumber_idx" ON "auth"."accounts of the clinic"("bossTenant", "bossNumber");

-- CreateIndex
CREATE INDEX "select_account_tenant_account_number_idx" ON "select"("account_tenant", "account_number");

-- CreateIndex
CREATE UNIQUE INDEX "Tag_label_key" ON "Tag"("label");

-- CreateIndex
CREATE INDEX "_TagToVisit_B_index" ON "_TagToVisit"("B");
