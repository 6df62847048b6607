/** `x-request-id`: the one a request came with, where it is a sane one, or a new one. */

const SANE = /^[A-Za-z0-9._:-]{1,128}$/;

/** @param random a number in [0, 1) */
export function newRequestId(random: () => number): string {
  const digits = () =>
    Math.floor(random() * 2 ** 48)
      .toString(16)
      .padStart(12, "0");
  return `req_${digits()}${digits()}`;
}

/** @param random a number in [0, 1), for requests that have none */
export function requestIdOf(given: string | undefined, random: () => number): string {
  return given !== undefined && SANE.test(given) ? given : newRequestId(random);
}
