import { afterAll, describe, expect, it } from "vitest";
import { openDatabase } from "../../src/jobs/index.ts";
import { startTestApi } from "../support/api.ts";
import { type Postgres, startPostgres } from "../support/postgres.ts";
import { sameKey } from "./same-key.ts";

let postgres: Postgres | undefined;
afterAll(() => postgres?.stop());

const SMALL = { keys: 20, sends: 5, atOnce: 4 };

/** The whole size is `npm run drill:same-key`. */
describe("five sends of one key at once", () => {
  it.each(["pglite", "postgres"])("are one video, on %s", async (kind) => {
    if (kind === "postgres") postgres = await startPostgres();
    const api = await startTestApi(postgres && (await openDatabase({ url: await postgres.database() })));
    try {
      expect(await sameKey(api, SMALL)).toMatchObject({
        sends: 100,
        ids: 20,
        videos: 20,
        wrong: 0,
        conflicts: 20,
      });
    } finally {
      await api.close();
    }
  });
});
