/** The edge router as a Cloudflare Worker: `npx wrangler deploy`. */

import { createEdge } from "../src/edge/router.ts";

export default createEdge();
