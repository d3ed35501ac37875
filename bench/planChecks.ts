import { PrismaPg } from "@prisma/adapter-pg";
import { PrismaClient } from "../prisma/generated/client.js";

/** The migration plan's own verification, as it stands there: two counts and the orphaned orders, through the client. */
async function verifyDataIntegrity(): Promise<void> {
  const { PGHOST: host, PGPORT: port, PGUSER: user, PGPASSWORD: password, PGDATABASE: database } = process.env;
  const prisma = new PrismaClient({ adapter: new PrismaPg({ host, port: Number(port), user, password, database }) });
  try {
    const userCount = await prisma.userProfile.count();
    const orderCount = await prisma.order.count();
    process.stdout.write(`Users: ${userCount}, Orders: ${orderCount}\n`);
    const orphanedOrders = await prisma.order.findMany({ where: { user: null } });
    if (orphanedOrders.length > 0) throw new Error("Found orphaned orders");
  } finally {
    await prisma.$disconnect();
  }
}

verifyDataIntegrity().catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
});
