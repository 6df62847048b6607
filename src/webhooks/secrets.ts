/**
 * Secrets that receivers verify with: `whsec_` and 32 random bytes in base64, as Standard Webhooks has them. At rest
 * they are sealed with AES-256-GCM for the endpoint they belong to, so that a copy of the database signs nothing, and
 * one moved to another row opens nothing.
 */

import { createCipheriv, createDecipheriv } from "node:crypto";
import { MixcacheError } from "../errors.ts";

const SECRET_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const FORM = "v1.";

/** So many random bytes, fit for secrets. */
export type RandomBytes = (count: number) => Uint8Array;

/** A new secret, as its receiver gets it. */
export function newSecret(randomBytes: RandomBytes): string {
  return `whsec_${Buffer.from(randomBytes(SECRET_BYTES)).toString("base64")}`;
}

/** @param key 32 bytes. @param endpointId whose secret it is */
export function seal(secret: string, endpointId: string, key: Uint8Array, randomBytes: RandomBytes): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(endpointId));
  const sealed = [nonce, cipher.update(secret, "utf8"), cipher.final()];
  return FORM + Buffer.concat([...sealed, cipher.getAuthTag()]).toString("base64url");
}

/** @throws MixcacheError `webhook_secret_sealed` where the key is another one than it was sealed with */
export function unseal(sealed: string, endpointId: string, key: Uint8Array): string {
  const bytes = Buffer.from(sealed.slice(FORM.length), "base64url");
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, NONCE_BYTES))
      .setAAD(Buffer.from(endpointId))
      .setAuthTag(bytes.subarray(-TAG_BYTES));
    return (
      decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES), undefined, "utf8") + decipher.final("utf8")
    );
  } catch (cause) {
    throw new MixcacheError(
      "webhook_secret_sealed",
      `The secret of the webhook ${endpointId} was sealed with another WEBHOOK_KEY. Put that one back, or rotate the webhook's secret.`,
      { cause },
    );
  }
}
