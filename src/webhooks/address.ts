/**
 * Whether an address may be connected to. What is allowed is said, not what is forbidden: public unicast, and private
 * networks where the operator wants them; everything else, known or not yet, is refused.
 */

import { isIP } from "node:net";
import ipaddr from "ipaddr.js";

/** What the operator allows. */
export interface GuardPolicy {
  /** Plain HTTP too. */
  readonly allowHttp: boolean;
  /** Private networks and this machine, on any port. */
  readonly allowPrivate: boolean;
}

/** Ranges, as ipaddr.js calls them, that belong to whoever runs the server. */
const PRIVATE = new Set(["private", "loopback", "uniqueLocal", "carrierGradeNat"]);

/** Where clouds answer their own machines, secrets included; refused even where private networks are allowed. */
const METADATA = new Set([
  // AWS, Google, Azure, DigitalOcean and others; ECS tasks, EKS pods; all link-local, named here for readers.
  "169.254.169.254",
  "169.254.170.2",
  "169.254.170.23",
  // Alibaba, within carrier-grade NAT.
  "100.100.100.200",
  // Azure's wire server: a public address that is none.
  "168.63.129.16",
  // Oracle's older one.
  "192.0.0.192",
  // AWS over IPv6; EKS pods; Google over IPv6.
  "fd00:ec2:0:0:0:0:0:254",
  "fd00:ec2:0:0:0:0:0:23",
  "fd20:ce:0:0:0:0:0:254",
]);

/**
 * @param address as `net.isIP` knows it: a canonical literal, without brackets
 * @returns in a few words why it may not be connected to; undefined where it may
 */
export function refusalOf(address: string, { allowPrivate }: GuardPolicy): string | undefined {
  if (isIP(address) === 0) return "is no IP address";
  if (address.includes("%")) return "has a zone, which means this machine's own links";
  const parsed = ipaddr.parse(address);
  if (METADATA.has(parsed.toNormalizedString())) return "is where a cloud keeps its machines' secrets";
  const range: string = parsed.range();
  if (PRIVATE.has(range)) return allowPrivate ? undefined : "is in a private network";
  if (range !== "unicast") return `is not public (${range})`;
  return parsed instanceof ipaddr.IPv6 ? refusalOfIpv6(parsed) : undefined;
}

/** The registry has given out 2000::/3 only; forms that carry an IPv4 address inside are ways around the rules. */
function refusalOfIpv6({ parts }: ipaddr.IPv6): string | undefined {
  const [first = 0, , , , fifth = 0, sixth = 0] = parts;
  if (first >> 13 !== 0b001) return "is not public (outside of 2000::/3)";
  if ((fifth === 0 || fifth === 0x0200) && sixth === 0x5efe) return "carries an IPv4 address (ISATAP)";
  return undefined;
}
