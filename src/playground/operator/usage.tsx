import { type Signal, useSignal } from "@preact/signals";
import { Field } from "../parts/field.tsx";
import { Bars } from "./bars.tsx";
import { usage as askUsage, type UsageRow, type Usage as UsageTable } from "./calls.ts";
import { Shown, Table } from "./shown.tsx";
import { barsOf, MEASURE_NAMES, type MeasureName, nameOf } from "./usage-rows.ts";
import { useAsked } from "./use-asked.ts";

type Group = UsageTable["group_by"][number];
const GROUPS: Readonly<Record<Group, string>> = { day: "Day", key: "Key", model: "Model" };

/** What was used and what it cost, as a chart and a table. */
export function Usage() {
  const group = useSignal<Group>("day");
  const measure = useSignal<MeasureName>("amount");
  const from = useSignal("");
  const to = useSignal("");
  const query = new URLSearchParams({
    group_by: group.value,
    ...(from.value !== "" && { from: from.value }),
    ...(to.value !== "" && { to: to.value }),
  });
  const { answer } = useAsked(String(query), (signal) => askUsage(query, signal));
  return (
    <>
      <form class="choices" onSubmit={(event) => event.preventDefault()}>
        <Choice id="usage-by" label="By" names={GROUPS} value={group} />
        <Choice id="usage-chart" label="Chart of" names={MEASURE_NAMES} value={measure} />
        <DayField id="usage-from" label="From" day={from} />
        <DayField id="usage-to" label="To" day={to} />
      </form>
      <Shown loaded={answer}>{(table) => <Report table={table} measure={measure.value} />}</Shown>
    </>
  );
}

interface ChoiceProps<Name extends string> {
  readonly id: string;
  readonly label: string;
  /** With what people read. */
  readonly names: Readonly<Record<Name, string>>;
  readonly value: Signal<Name>;
}

function Choice<Name extends string>({ id, label, names, value }: ChoiceProps<Name>) {
  const isName = (text: string): text is Name => Object.hasOwn(names, text);
  return (
    <Field id={id} label={label} problem={undefined}>
      {(control) => (
        <select
          {...control}
          value={value.value}
          onChange={({ currentTarget }) => {
            if (isName(currentTarget.value)) value.value = currentTarget.value;
          }}
        >
          {Object.entries<string>(names).map(([name, title]) => (
            <option key={name} value={name}>
              {title}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

interface DayFieldProps {
  readonly id: string;
  readonly label: string;
  readonly day: Signal<string>;
}

function DayField({ id, label, day }: DayFieldProps) {
  return (
    <Field id={id} label={label} problem={undefined}>
      {(control) => (
        <input
          {...control}
          type="date"
          value={day.value}
          onChange={({ currentTarget }) => {
            day.value = currentTarget.value;
          }}
        />
      )}
    </Field>
  );
}

function Report({ table, measure }: { readonly table: UsageTable; readonly measure: MeasureName }) {
  const [group = "day"] = table.group_by;
  const days = `${table.from} to ${table.to}, UTC`;
  if (table.data.length === 0) return <p class="help">No video ended from {days}.</p>;
  return (
    <>
      <Bars title={`${MEASURE_NAMES[measure]} by ${group}, ${days}`} bars={barsOf(table, measure)} />
      <Table
        title={`Usage by ${group}`}
        columns={[
          GROUPS[group],
          "Videos",
          "Completed",
          `Cost (${table.currency})`,
          "TFLOP",
          "Engine s",
          "Video s",
        ]}
      >
        {table.data.map((row) => (
          <Row key={nameOf(row)} of={row} />
        ))}
      </Table>
      {table.has_more && <p class="help">There are more rows: ask for fewer days.</p>}
    </>
  );
}

function Row({ of }: { readonly of: UsageRow }) {
  return (
    <tr>
      <th scope="row">{nameOf(of)}</th>
      <td class="number">{of.videos}</td>
      <td class="number">{of.completed}</td>
      <td class="number">{of.amount}</td>
      <td class="number">{(Number(of.flops) / 1e12).toFixed(2)}</td>
      <td class="number">{of.engine_seconds}</td>
      <td class="number">{of.video_seconds}</td>
    </tr>
  );
}
