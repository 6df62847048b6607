/**
 * Statements that PGlite keeps prepared. Its own `query` has every text parsed and planned anew and goes into the
 * WebAssembly six times; this goes in once, and takes a third of the time.
 */

import { type PGlite, parse, protocol } from "@electric-sql/pglite";

/** More texts than the service has; a caller that composes texts must not fill the memory. */
const MOST_KEPT = 400;

const { serialize } = protocol;

interface Statement {
  readonly name: string;
  /** The object ids of the types of its values. */
  readonly types: readonly number[];
}

/** In a transaction or out of it, whichever the connection is in. */
export class Prepared {
  readonly #pglite: PGlite;
  /** By text, the one that was used longest ago first. */
  readonly #statements = new Map<string, Promise<Statement>>();
  #prepared = 0;

  constructor(pglite: PGlite) {
    this.#pglite = pglite;
  }

  /** Runs one statement. @throws the database's error, with SQLSTATE in `code` */
  async query<Row>(text: string, values: readonly unknown[]): Promise<Row[]> {
    const statement = this.#statements.get(text) ?? this.#prepare(text);
    try {
      const { name, types } = await this.#latest(text, statement);
      const messages = await this.#send(
        serialize.bind({ statement: name, values: this.#serialized(types, values) }),
        serialize.describe({ type: "P" }),
        serialize.execute({}),
      );
      return parse.parseResults(messages, this.#pglite.parsers)[0]?.rows as Row[];
    } catch (error) {
      // What it was parsed for may have changed since: the next use parses it anew.
      await this.#forget(text, statement);
      throw error;
    }
  }

  /** Moves it to the end, and makes room where there are too many. */
  async #latest(text: string, statement: Promise<Statement>): Promise<Statement> {
    this.#statements.delete(text);
    this.#statements.set(text, statement);
    const [oldest] = this.#statements;
    if (oldest && this.#statements.size > MOST_KEPT) await this.#forget(...oldest);
    return statement;
  }

  async #prepare(text: string): Promise<Statement> {
    const name = `s${this.#prepared++}`;
    const messages = await this.#send(
      serialize.parse({ name, text }),
      serialize.describe({ type: "S", name }),
    );
    return { name, types: parse.parseDescribeStatementResults(messages) };
  }

  async #forget(text: string, statement: Promise<Statement>): Promise<void> {
    if (this.#statements.get(text) === statement) this.#statements.delete(text);
    const found = await statement.catch(() => undefined);
    if (found) await this.#send(serialize.close({ type: "S", name: found.name }));
  }

  #serialized(types: readonly number[], values: readonly unknown[]): (string | null)[] {
    return values.map((value, index) => {
      if (value === null || value === undefined) return null;
      const serializer = this.#pglite.serializers[types[index] ?? 0];
      return serializer ? serializer(value) : String(value);
    });
  }

  async #send(...messages: Uint8Array[]) {
    const all = Buffer.concat([...messages, serialize.sync()]);
    return this.#pglite.runExclusive(async () => (await this.#pglite.execProtocol(all)).messages);
  }
}
