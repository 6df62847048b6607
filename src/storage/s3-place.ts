/** How a bucket is reached, and the clients for it. */

import { S3Client, type S3ClientConfig } from "@aws-sdk/client-s3";

/** When checksums of bodies go along: wherever S3 can, or only where it insists. */
export type S3Checksums = "when_supported" | "when_required";

/** How a bucket is reached. Credentials come by AWS's own chain, unless they are given. */
export interface S3Place {
  readonly bucket: string;
  /** Another server than AWS's. */
  readonly endpoint?: string;
  /** As clients reach it; URLs are signed for it. Default: `endpoint`. */
  readonly publicEndpoint?: string;
  /** Default: AWS's own chain; with an endpoint `us-east-1`, which servers that know no regions take. */
  readonly region?: string;
  /** The bucket's name in the path and not in the host's name. */
  readonly pathStyle?: boolean;
  /** Before every key, with a slash at its end. Default: none. */
  readonly prefix?: string;
  /** Default: `when_supported` on AWS, `when_required` elsewhere, since not every server knows them. */
  readonly checksums?: S3Checksums;
  readonly credentials?: NonNullable<S3ClientConfig["credentials"]>;
}

const ATTEMPTS = 5;

/** A client for calls. */
export function callingClient(place: S3Place): S3Client {
  const { endpoint, checksums = endpoint === undefined ? "when_supported" : "when_required" } = place;
  return new S3Client({ ...shared(place, endpoint), ...checksumConfig(checksums), maxAttempts: ATTEMPTS });
}

/** A client that signs URLs and sends nothing. A URL with a checksum's parameter is refused by some servers. */
export function signingClient(place: S3Place): S3Client {
  const endpoint = place.publicEndpoint ?? place.endpoint;
  return new S3Client({ ...shared(place, endpoint), ...checksumConfig("when_required") });
}

function shared({ region, pathStyle, credentials }: S3Place, endpoint: string | undefined): S3ClientConfig {
  const chosen = region ?? (endpoint === undefined ? undefined : "us-east-1");
  return {
    ...(endpoint !== undefined && { endpoint }),
    ...(chosen !== undefined && { region: chosen }),
    ...(credentials !== undefined && { credentials }),
    forcePathStyle: pathStyle ?? false,
  };
}

function checksumConfig(checksums: S3Checksums): S3ClientConfig {
  const when = checksums === "when_supported" ? "WHEN_SUPPORTED" : "WHEN_REQUIRED";
  return { requestChecksumCalculation: when, responseChecksumValidation: when };
}
