/**
 * The S3 store and the whole service on a real S3 server: `npm run test:s3 [-- --quick]`.
 *
 * Installs Ceph's gateway from Debian where it is missing (as root; else it says what to install), starts it in
 * memory on loopback, and runs the suites of this folder. `--quick` takes smaller streams.
 */

import { parseArgs } from "node:util";
import { runSuites } from "../support/on-s3.ts";

const { values } = parseArgs({ options: { quick: { type: "boolean", default: false } } });
process.exitCode = await runSuites("test/s3", values.quick ? { MIXCACHE_TEST_S3_QUICK: "1" } : {});
