/**
 * What stays in the browser of a bundle between visits, in Cache Storage: an entry is there whole or not at all, even
 * where the page is closed while it is written, which the files of OPFS are not. One cache for each bundle's address.
 */

import { messageOf } from "../errors.ts";

/** Entries of bytes by name. */
export class BundleCache {
  readonly #cache: Cache;
  readonly #address: URL;
  #notice: string | undefined;

  private constructor(cache: Cache, address: URL) {
    this.#cache = cache;
    this.#address = address;
  }

  /**
   * @param address the bundle's folder, with a slash at its end
   * @returns undefined where the browser gives this page no storage, as some private windows do
   */
  static async open(address: URL): Promise<BundleCache | undefined> {
    try {
      return new BundleCache(await caches.open(`mixcache ${address.href}`), address);
    } catch {
      return undefined;
    }
  }

  /** Why something could not be kept; undefined where everything could. */
  get notice(): string | undefined {
    return this.#notice;
  }

  async has(name: string): Promise<boolean> {
    return (await this.#cache.match(this.#url(name))) !== undefined;
  }

  async get(name: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const response = await this.#cache.match(this.#url(name));
    return response && new Uint8Array(await response.arrayBuffer());
  }

  /** Keeps bytes where there is room. @returns whether there was; `notice` says why not */
  async put(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
    try {
      await this.#cache.put(this.#url(name), new Response(bytes));
      return true;
    } catch (error) {
      this.#notice =
        `This browser could not keep all files of the model (${messageOf(error)}). They are downloaded again at the ` +
        "next visit; free space on the disk to keep them.";
      return false;
    }
  }

  async delete(name: string): Promise<void> {
    await this.#cache.delete(this.#url(name));
  }

  /** Deletes every entry that is not wanted any more. */
  async keepOnly(isWanted: (name: string) => boolean): Promise<void> {
    for (const { url } of await this.#cache.keys()) {
      const name = decodeURIComponent(url.slice(this.#url("").length));
      if (!isWanted(name)) await this.delete(name);
    }
  }

  /** Cache Storage knows addresses only; nobody asks for these. */
  #url(name: string): string {
    return new URL(`?mixcache=${encodeURIComponent(name)}`, this.#address).href;
  }
}
