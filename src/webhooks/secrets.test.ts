import { randomBytes } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { expect, it } from "vitest";
import { newSecret, seal, unseal } from "./secrets.ts";
import { signatureHeaders } from "./sign.ts";

const key = randomBytes(32);

it("a secret comes out as it went in, for its own webhook and with its own key", () => {
  const secret = newSecret(randomBytes);
  const sealed = seal(secret, "whe_1", key, randomBytes);
  expect(unseal(sealed, "whe_1", key)).toBe(secret);
  expect(sealed).not.toContain(secret.slice(6, 20));
  expect(seal(secret, "whe_1", key, randomBytes)).not.toBe(sealed);
  const refused = expect.objectContaining({ code: "webhook_secret_sealed" });
  expect(() => unseal(sealed, "whe_2", key)).toThrow(refused);
  expect(() => unseal(sealed, "whe_1", randomBytes(32))).toThrow(refused);
  for (const broken of ["", "v1.", `${sealed.slice(0, -2)}AA`, `v1.AAAA${sealed.slice(7)}`])
    expect(() => unseal(broken, "whe_1", key)).toThrow(refused);
});

it("each valid secret signs, and each verifies by itself", () => {
  const secrets = [newSecret(randomBytes), newSecret(randomBytes)];
  const headers = signatureHeaders({ id: "evt_1", at: new Date(), body: '{"a":"é"}' }, secrets);
  expect(headers["webhook-signature"]).toMatch(/^v1,[A-Za-z0-9+/]{43}= v1,[A-Za-z0-9+/]{43}=$/);
  for (const secret of secrets) expect(new Webhook(secret).verify('{"a":"é"}', headers)).toEqual({ a: "é" });
  expect(() => new Webhook(newSecret(randomBytes)).verify('{"a":"é"}', headers)).toThrow("signature");
  const other = { ...headers, "webhook-id": "evt_2" };
  expect(() => new Webhook(secrets[0] as string).verify('{"a":"é"}', other)).toThrow("signature");
});

/** Signature of the specification's reference implementations. */
it("signs as the specification's example", () => {
  const { "webhook-signature": signature } = signatureHeaders(
    { id: "msg_p5jXN8AQM9LWM0D4loKWxJek", at: new Date(1_614_265_330_000), body: '{"test": 2432232314}' },
    ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
  );
  expect(signature).toBe("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
});
