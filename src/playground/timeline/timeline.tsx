/** The decisions of a run, step by step: a column each, to be walked with the pointer or the arrow keys. */

import type { TargetedPointerEvent } from "preact";
import { useState } from "preact/hooks";
import { Facts } from "../parts/facts.tsx";
import {
  type Column,
  columnsOf,
  countsOf,
  KINDS,
  percent,
  type StepFacts,
  type StepKind,
  savedOf,
} from "./columns.ts";
import { StepTable } from "./step-table.tsx";

export interface TimelineProps {
  readonly facts: readonly StepFacts[];
  /** Of the run; more than there are facts while it goes on. */
  readonly steps: number;
  /** While a video is made there is no table yet, and the newest step is shown. */
  readonly live?: boolean;
  /** Its heading, where there are several. */
  readonly title?: string;
}

export function Timeline({ facts, steps, live = false, title = "Decisions" }: TimelineProps) {
  const [chosen, setChosen] = useState<number>();
  const columns = columnsOf(facts, steps);
  if (columns.length === 0) return null;
  const last = columns.length - 1;
  const at = Math.min(chosen ?? (live ? last : firstReused(columns)), last);
  return (
    <section class="timeline" aria-label={`${title}, step by step`}>
      <header>
        <h2>{title}</h2>
        {!live && <p>{percent(savedOf(facts))} of the transformer's work reused</p>}
      </header>
      <Columns columns={columns} steps={steps} at={at} onChoose={setChosen} />
      <Legend columns={columns} />
      <Step column={columns[at]} />
      {!live && <StepTable columns={columns} />}
    </section>
  );
}

/** Where there is something to see. */
function firstReused(columns: readonly Column[]): number {
  return Math.max(
    0,
    columns.findIndex(({ kind }) => kind !== "full"),
  );
}

interface ColumnsProps {
  readonly columns: readonly Column[];
  readonly steps: number;
  readonly at: number;
  readonly onChoose: (at: number) => void;
}

/** To the keyboard and to screen readers one slider: where in the run one looks. */
function Columns({ columns, steps, at, onChoose }: ColumnsProps) {
  const last = columns.length - 1;
  const point = (event: TargetedPointerEvent<HTMLElement>) => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    const place = Math.floor(((event.clientX - left) / width) * Math.max(steps, columns.length));
    onChoose(Math.min(Math.max(0, place), last));
  };
  const press = (event: KeyboardEvent) => {
    const to = keyTarget(event.key, at, last);
    if (to === undefined) return;
    event.preventDefault();
    onChoose(to);
  };
  return (
    <div
      class="columns"
      style={{ "--steps": String(Math.max(steps, columns.length)) }}
      role="slider"
      tabIndex={0}
      aria-label="Step"
      aria-valuemin={1}
      aria-valuemax={columns.length}
      aria-valuenow={at + 1}
      aria-valuetext={columns[at]?.label}
      onPointerMove={point}
      onPointerDown={point}
      onKeyDown={press}
    >
      {Array.from({ length: Math.max(steps, columns.length) }, (_, index) => (
        <ColumnMark key={index} column={columns[index]} isChosen={index === at} />
      ))}
    </div>
  );
}

/** Where a key leads; undefined for keys that lead nowhere. */
function keyTarget(key: string, at: number, last: number): number | undefined {
  const to: Readonly<Record<string, number>> = {
    ArrowLeft: at - 1,
    ArrowDown: at - 1,
    ArrowRight: at + 1,
    ArrowUp: at + 1,
    PageDown: at - 10,
    PageUp: at + 10,
    Home: 0,
    End: last,
  };
  const found = to[key];
  return found === undefined ? undefined : Math.min(Math.max(0, found), last);
}

function ColumnMark({
  column,
  isChosen,
}: {
  readonly column: Column | undefined;
  readonly isChosen: boolean;
}) {
  if (!column) return <span class="column pending" />;
  return (
    <span class="column" data-kind={column.kind} data-chosen={isChosen || undefined}>
      <span class="mark" style={{ "--computed": String(column.computed) }} />
    </span>
  );
}

function Legend({ columns }: { readonly columns: readonly Column[] }) {
  return (
    <ul class="legend">
      {countsOf(columns).map(([kind, count]) => (
        <li key={kind} title={KINDS[kind].meaning}>
          <Swatch kind={kind} />
          {KINDS[kind].name} <span class="number">{count}</span>
        </li>
      ))}
    </ul>
  );
}

function Swatch({ kind }: { readonly kind: StepKind }) {
  const computed = { full: 1, block: 0.4, cfg: 0.5, modules: 0.7, step: 0 }[kind];
  return (
    <span class="column swatch" data-kind={kind} aria-hidden="true">
      <span class="mark" style={{ "--computed": String(computed) }} />
    </span>
  );
}

function Step({ column }: { readonly column: Column | undefined }) {
  if (!column) return null;
  return (
    <div class="step">
      <h3>
        {column.title} <span class="kind">{KINDS[column.kind].name}</span>
      </h3>
      <p class="help">{KINDS[column.kind].meaning}</p>
      <Facts facts={column.details} />
    </div>
  );
}
