/** Videos of this browser in IndexedDB: what lists show apart from the files, which can be large. */

import { MixcacheError } from "../../errors.ts";
import type { MadeVideo } from "../generate/made-video.ts";
import type { StoredVideo } from "./stored-video.ts";

const NAME = "mixcache";
const VERSION = 1;
const VIDEOS = "videos";
const FILES = "files";

/** The database. Every method throws `MixcacheError` `storage_failed`, as in private windows of some browsers. */
export class Database {
  #open: Promise<IDBDatabase> | undefined;

  async save(stored: StoredVideo): Promise<void> {
    await this.#run("readwrite", (transaction) => {
      transaction.objectStore(VIDEOS).put(stored.video);
      return transaction.objectStore(FILES).put({ id: stored.video.id, ...stored });
    });
  }

  /** In no order. */
  list(): Promise<MadeVideo[]> {
    return this.#run("readonly", (transaction) => transaction.objectStore(VIDEOS).getAll());
  }

  get(id: string): Promise<StoredVideo | undefined> {
    return this.#run("readonly", (transaction) => transaction.objectStore(FILES).get(id));
  }

  async remove(id: string): Promise<void> {
    await this.#run("readwrite", (transaction) => {
      transaction.objectStore(VIDEOS).delete(id);
      return transaction.objectStore(FILES).delete(id);
    });
  }

  async #run<T>(mode: IDBTransactionMode, ask: (transaction: IDBTransaction) => IDBRequest<T>): Promise<T> {
    try {
      this.#open ??= openDatabase();
      const database = await this.#open;
      const transaction = database.transaction([VIDEOS, FILES], mode);
      const request = ask(transaction);
      await new Promise<void>((resolve, reject) => {
        transaction.oncomplete = () => resolve();
        transaction.onabort = () => reject(transaction.error);
      });
      return request.result;
    } catch (cause) {
      this.#open = undefined;
      throw new MixcacheError(
        "storage_failed",
        "This browser doesn't let the page keep videos. Free some of its storage, or leave the private window.",
        { cause },
      );
    }
  }
}

function openDatabase(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, VERSION);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(VIDEOS, { keyPath: "id" });
      request.result.createObjectStore(FILES, { keyPath: "id" });
    };
    request.onsuccess = () => {
      // Another tab with a later version may upgrade.
      request.result.onversionchange = () => request.result.close();
      resolve(request.result);
    };
    request.onerror = () => reject(request.error);
  });
}
