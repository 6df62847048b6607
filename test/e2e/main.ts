/**
 *     npm run test:e2e
 *
 * The edge in workerd before two cells on PostgreSQL and a real S3 server, asked by the stock `openai` client: a video's
 * whole way, and a cell that is killed and comes back. `npm run stack` starts the same for a person.
 *
 * Installs Ceph's gateway from Debian where it is missing (as root; else it says what to install).
 */

import { runSuites } from "../support/on-s3.ts";

process.exitCode = await runSuites("test/e2e");
