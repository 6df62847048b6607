import type { Migration } from "../database-contract.ts";

/** Every account has a line from the start, so that whoever creates for it has a row to lock. */
export const lines: Migration = {
  id: "0009-lines",
  sql: `
    create function mixcache.open_line() returns trigger language plpgsql as $$
    begin
      insert into mixcache.lines (account_id) values (new.id);
      return null;
    end $$;

    create trigger accounts_have_line after insert on mixcache.accounts
      for each row execute function mixcache.open_line();
    insert into mixcache.lines (account_id) select id from mixcache.accounts on conflict do nothing;
  `,
};
