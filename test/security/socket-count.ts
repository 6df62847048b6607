/** Every attempt to open a socket in this process, counted where Node makes them all, and stopped there if asked to. */

import net, { type LookupFunction } from "node:net";

/** An attempt to connect. */
export interface SocketAttempt {
  /** Host and port, or a path. */
  readonly target: string;
  /** What the host's addresses would be taken from. */
  readonly lookup: LookupFunction | undefined;
}

export interface SocketCount {
  readonly attempts: readonly SocketAttempt[];
  /** Lets sockets be opened as before. */
  restore(): void;
}

/** @param options `open`: whether attempts that are counted go on; where not, they fail as if nobody listened */
export function countSockets({ open }: { readonly open: boolean }): SocketCount {
  const attempts: SocketAttempt[] = [];
  const { connect } = net.Socket.prototype;
  net.Socket.prototype.connect = function (this: net.Socket, ...given: unknown[]) {
    attempts.push(attemptOf(given));
    if (open) return Reflect.apply(connect, this, given) as net.Socket;
    process.nextTick(() => this.destroy(Object.assign(new Error("refused"), { code: "ECONNREFUSED" })));
    return this;
  } as typeof connect;
  return {
    attempts,
    restore: () => {
      net.Socket.prototype.connect = connect;
    },
  };
}

function attemptOf(given: readonly unknown[]): SocketAttempt {
  const [first] = given.flat();
  if (typeof first !== "object" || first === null)
    return { target: given.flat().map(String).join(" "), lookup: undefined };
  const { host, port, path, lookup } = first as Partial<net.TcpNetConnectOpts & { path: string }>;
  return { target: host === undefined ? String(path) : `${host}:${port}`, lookup };
}
