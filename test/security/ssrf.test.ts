import type { LookupFunction } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Resolve } from "../../src/webhooks/resolve.ts";
import { send } from "../../src/webhooks/send.ts";
import { type Receiver, startReceiver, status } from "../support/receiver.ts";
import { countSockets, type SocketCount } from "./socket-count.ts";
import { resolving, ssrf } from "./ssrf.ts";
import { PUBLIC_ADDRESS, SSRF_CORPUS } from "./ssrf-corpus.ts";

const message = (url: string) => ({ url, headers: {}, body: "{}" });
const never = new AbortController().signal;
const STRICT = { allowHttp: false, allowPrivate: false };
const LOOSE = { allowHttp: true, allowPrivate: true };

it("nothing in the corpus opens a socket, and what is allowed does", async () => {
  expect(SSRF_CORPUS.length).toBeGreaterThanOrEqual(200);
  expect(new Set(SSRF_CORPUS.map(({ name }) => name)).size).toBe(SSRF_CORPUS.length);
  const report = await ssrf();
  expect(report).toMatchObject({ wrong: [], connections: 0, control: 1, refusedAtSend: SSRF_CORPUS.length });
  // What is not a name's fault is refused before anything is sent.
  const byName = SSRF_CORPUS.filter(({ resolves }) => resolves !== undefined).length;
  expect(report.refusedAtRegistration).toBe(SSRF_CORPUS.length - byName);
});

describe("even where private networks are allowed", () => {
  it.each([
    "169.254.169.254",
    "169.254.170.2",
    "[fd00:ec2::254]",
    "[fd20:ce::254]",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "0.0.0.0",
    "[::]",
    "255.255.255.255",
    "224.0.0.1",
    "[fe80::1]",
    "[::ffff:127.0.0.1]",
    "[64:ff9b::a9fe:a9fe]",
    "[2002:a9fe:a9fe::1]",
  ])("%s is refused", async (host) => {
    const sockets = countSockets({ open: false });
    try {
      const literal = await send(
        message(`http://${host}/`),
        { policy: LOOSE, resolve: resolving([]) },
        never,
      );
      expect(literal).toEqual({ error: "url_refused" });
      const address = host.replace(/[[\]]/g, "");
      const named = await send(
        message("http://inner.corp/"),
        { policy: LOOSE, resolve: resolving([address]) },
        never,
      );
      expect(named).toEqual({ error: "address_refused" });
      expect(sockets.attempts).toHaveLength(0);
    } finally {
      sockets.restore();
    }
  });
});

describe("a redirect to an inner address", () => {
  let outer: Receiver;
  let inner: Receiver;
  let sockets: SocketCount;
  beforeEach(async () => {
    outer = await startReceiver();
    inner = await startReceiver();
    sockets = countSockets({ open: true });
  });
  afterEach(async () => {
    sockets.restore();
    await outer.close();
    await inner.close();
  });

  it.each([300, 301, 302, 303, 305, 307, 308])("by a %d is not followed", async (code) => {
    for (const location of [inner.origin, "http://169.254.169.254/latest/", "//127.0.0.1/", "/again"]) {
      outer.answer(status(code, { location, refresh: `0; url=${location}` }));
      const answer = await send(message(outer.origin), { policy: LOOSE, resolve: resolving([]) }, never);
      expect(answer).toEqual({ status: code, error: "redirect" });
    }
    expect(inner.connections()).toBe(0);
    expect(outer.received).toHaveLength(4);
    expect(sockets.attempts).toHaveLength(4);
  });
});

describe("a name that changes its mind", () => {
  /** One address when it is judged, another one ever after. */
  function rebinding(first = PUBLIC_ADDRESS, then = "127.0.0.1"): { resolve: Resolve; asked: () => number } {
    let asked = 0;
    const resolve: Resolve = (name) => resolving([asked++ === 0 ? first : then])(name);
    return { resolve, asked: () => asked };
  }

  it("is asked once an attempt, and connected to as it was judged", async () => {
    const { resolve, asked } = rebinding();
    const sockets = countSockets({ open: false });
    try {
      await send(message("https://rebind.example.com/"), { policy: STRICT, resolve }, never);
      const [attempt] = sockets.attempts;
      expect(attempt?.target).toBe("rebind.example.com:443");
      // However often Node asks where to connect to, it hears what was judged.
      for (let time = 0; time < 2; time++)
        expect(await lookedUp(attempt?.lookup)).toEqual([{ address: PUBLIC_ADDRESS, family: 4 }]);
      expect(asked()).toBe(1);
      const again = await send(message("https://rebind.example.com/"), { policy: STRICT, resolve }, never);
      expect(again).toEqual({ error: "address_refused" });
      expect(sockets.attempts).toHaveLength(1);
    } finally {
      sockets.restore();
    }
  });

  it("reaches the server at the judged address, and not the one it leads to now", async () => {
    const judged = await startReceiver();
    const { port } = new URL(judged.origin);
    const { resolve } = rebinding("127.0.0.1", "127.0.0.2");
    const policy = LOOSE;
    expect(await send(message(`http://rebind.example.com:${port}/`), { policy, resolve }, never)).toEqual({
      status: 204,
    });
    // Nobody listens on the other loopback address.
    expect(await send(message(`http://rebind.example.com:${port}/`), { policy, resolve }, never)).toEqual({
      error: "connection_failed",
    });
    expect(judged.received.map(({ headers }) => headers.host)).toEqual([`rebind.example.com:${port}`]);
    await judged.close();
  });
});

function lookedUp(lookup: LookupFunction | undefined): Promise<unknown> {
  return new Promise((resolve, reject) => {
    if (!lookup) return reject(new Error("The connection has no lookup of its own."));
    lookup("rebind.example.com", { all: true }, (error, addresses) =>
      error ? reject(error) : resolve(addresses),
    );
  });
}
