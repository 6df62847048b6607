/** `mixcache bundle`: models between this machine and a store. */

import { Command } from "commander";
import { readServerConfig } from "../config/index.ts";
import {
  type BundleObjects,
  type BundleReference,
  bundleUrl,
  digestIn,
  listBundles,
  parseBundleUrl,
  pullBundle,
  pushBundle,
} from "../node/index.ts";
import { openObjectsAt } from "../service/index.ts";
import { systemTimers } from "../worker/index.ts";
import { bundleFolder } from "./options.ts";
import { StatusLine } from "./status.ts";

const HELP = `
A place is s3://bucket/prefix, reached by the server's settings for S3, or file:///folder.
What is there already is not sent again, and what was cut off goes on: the same command does both.`;

export function bundleCommand(): Command {
  const bundle = new Command("bundle").description("Keep models in S3, for workers to fetch.");
  bundle
    .command("push")
    .description("Check a bundle and put it into a store. Prints what BUNDLE is to be set to.")
    .argument("<folder>", "folder of the bundle")
    .argument("<place>", "such as s3://models/mixcache")
    .addHelpText("after", HELP)
    .action(push);
  bundle
    .command("pull")
    .description("Fetch a bundle, check every byte of it, and print its folder.")
    .argument("<place>", "such as s3://models/mixcache@sha256:…; without a digest, the only one there is")
    .option("--cache <folder>", "where bundles are kept (default: BUNDLE_CACHE)")
    .addHelpText("after", HELP)
    .action(pull);
  bundle
    .command("list")
    .description("List the bundles of a place.")
    .argument("<place>", "such as s3://models/mixcache")
    .action(list);
  return bundle;
}

async function at(place: string): Promise<BundleReference & { readonly objects: BundleObjects }> {
  const reference = parseBundleUrl(place, "place");
  const store = await openObjectsAt(reference.url, readServerConfig(), "place");
  return { ...reference, objects: { store, url: reference.url } };
}

async function push(folder: string, place: string): Promise<void> {
  const { url, objects } = await at(place);
  const status = new StatusLine(process.stderr);
  try {
    const pushed = await pushBundle(bundleFolder(folder), objects, (done, total) =>
      status.waitFor(`sending, ${megabytes(done)} of ${megabytes(total)}`),
    );
    const { title, digest, sent, skipped } = pushed;
    status.clear();
    status.say(
      `${title}: ${sent.files} files sent (${megabytes(sent.bytes)}), ${skipped.files} were there already (${megabytes(skipped.bytes)})`,
    );
    process.stdout.write(`${bundleUrl({ url, digest })}\n`);
  } finally {
    status.clear();
  }
}

async function pull(place: string, options: { readonly cache?: string }): Promise<void> {
  const { digest: asked, objects } = await at(place);
  const { cache = readServerConfig().bundleCache } = options;
  const digest = await digestIn(objects, asked);
  const say = (line: string) => process.stderr.write(`${line}\n`);
  const pulled = await pullBundle({ objects, digest, cache, timing: systemTimers, verify: true, say });
  say(`${megabytes(pulled.fetchedBytes)} of ${megabytes(pulled.totalBytes)} fetched`);
  process.stdout.write(`${pulled.folder}\n`);
}

async function list(place: string): Promise<void> {
  const { url, objects } = await at(place);
  for (const digest of await listBundles(objects)) process.stdout.write(`${bundleUrl({ url, digest })}\n`);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
