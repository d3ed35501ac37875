import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** A webhook's receiver on this machine. */
export interface WebhookServer {
  readonly url: string;
  /** What was posted, in order. */
  readonly posts: { readonly path: string; readonly body: unknown }[];
  stop(): Promise<void>;
}

/** @param answers status of each answer, the last one for all further ones; `never`: none is given. */
export async function webhookServer(...answers: readonly (number | "never")[]): Promise<WebhookServer> {
  const posts: { path: string; body: unknown }[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const answer = answers[Math.min(posts.length, answers.length - 1)] ?? 200;
      posts.push({ path: request.url ?? "", body: JSON.parse(body) });
      if (answer === "never") return;
      response.writeHead(answer, answer === 302 ? { location: "/elsewhere" } : {}).end("ok");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/services/T0/s3cret`,
    posts,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
