/** `mixcache bill`: what a video costs, made again from the record that is stored beside it. */

import { readFile } from "node:fs/promises";
import { Command, Option } from "commander";
import { invalid, messageOf } from "../errors.ts";
import { inUnits } from "../jobs/ledger.ts";
import type { PriceTerms, Usage } from "../jobs/money-contract.ts";
import { bill, priceSchema, termsOf } from "../jobs/price.ts";
import { type AttemptRecord, readRecord, usageOf } from "../jobs/usage.ts";

interface BillOptions {
  readonly price: string;
  readonly currency: string;
  readonly json?: boolean;
}

export function billCommand(): Command {
  return new Command("bill")
    .description("Make a video's bill again from its record, and show how.")
    .argument("<trace.json>", "the record: a video's trace_url gives it")
    .addOption(
      new Option(
        "--price <unit:micros>",
        "what a tflop, gpu_second or video_second costs, in millionths of the currency's unit: tflop:500",
      ).makeOptionMandatory(),
    )
    .option("--currency <name>", "of the price", "USD")
    .option("--json", "for programs")
    .action(showBill);
}

async function showBill(file: string, options: BillOptions): Promise<void> {
  const text = await readFile(file, "utf8").catch((error) =>
    invalid("record", `The record ${file} can't be read (${messageOf(error)}). Give a file from the server.`),
  );
  const record = readRecord(text, file);
  const terms = termsIn(options);
  const usage = usageOf(record);
  const cost = bill(terms, usage);
  process.stdout.write(
    options.json
      ? `${JSON.stringify({ ...textsOf(usage), micros: cost.toString(), currency: terms.currency })}\n`
      : `${lines(record, usage, terms, cost).join("\n")}\n`,
  );
}

function termsIn({ price, currency }: BillOptions): PriceTerms {
  const [unit, micros, ...rest] = price.split(":");
  const parsed = priceSchema.safeParse({ unit, micros });
  if (!parsed.success || rest.length > 0)
    invalid(
      "price",
      `price is “${price}”; write a unit and its micros: tflop:500, gpu_second:555.5, video_second:40000.`,
    );
  return termsOf(parsed.data, currency);
}

function textsOf({ flops, engineMs, videoMs }: Usage) {
  return { flops: flops.toString(), engine_ms: engineMs.toString(), video_ms: videoMs.toString() };
}

function lines(record: AttemptRecord, usage: Usage, terms: PriceTerms, cost: bigint): string[] {
  const { text, steps, decode } = record.computed;
  const flopsOf = (computed: typeof text | typeof steps) =>
    computed.reduce((sum, { flops }) => sum + BigInt(Math.round(flops)), 0n);
  const reused = steps.filter(({ flops, full_flops }) => flops < full_flops).length;
  const rows = [
    ["text encoders", flopsOf(text), `${text.length} runs`],
    ["denoiser", flopsOf(steps), `${steps.length} steps, ${reused} of them reused something`],
    ["decoder", flopsOf(decode), `${decode.length} calls`],
    ["together", usage.flops, ""],
  ] as const;
  const width = String(usage.flops).length;
  return [
    `${record.video}, attempt ${record.attempt}: ${record.outcome.replace("_", " ")}`,
    ...rows.map(([what, flops, note]) =>
      `${what.padEnd(13)} ${String(flops).padStart(width)} FLOP  ${note}`.trimEnd(),
    ),
    `engine ${seconds(usage.engineMs)} s, video ${seconds(usage.videoMs)} s`,
    `${inUnits(cost)} ${terms.currency} at ${terms.microsPerUnit} micros for a ${terms.unit.replace("_", " ")}: ${cost} micros`,
  ];
}

function seconds(ms: bigint): number {
  return Number(ms) / 1000;
}
