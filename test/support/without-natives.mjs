/** `node --import` this: the packages of workers and of one box are as if they were not installed. */

import { registerHooks } from "node:module";

const ABSENT = /^(onnxruntime-node|node-av|@mediabunny\/server|sharp|@electric-sql\/pglite)(\/|$)/;

registerHooks({
  resolve(specifier, context, next) {
    if (ABSENT.test(specifier)) throw new Error(`${specifier} is not installed.`);
    return next(specifier, context);
  },
});
