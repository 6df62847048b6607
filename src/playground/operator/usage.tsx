import { useSignal } from "@preact/signals";
import { Bars } from "./bars.tsx";
import { usage as askUsage, type UsageRow, type Usage as UsageTable } from "./calls.ts";
import { useLoaded } from "./loaded.ts";
import { Shown, Table } from "./shown.tsx";
import { barsOf, MEASURES, type MeasureName, nameOf } from "./usage-rows.ts";

type Group = UsageTable["group_by"][number];
const GROUPS: readonly Group[] = ["day", "key", "model"];

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
  const { state } = useLoaded(String(query), (signal) => askUsage(query, signal));
  return (
    <>
      <form class="choices" onSubmit={(event) => event.preventDefault()}>
        <label class="field">
          By
          <select
            value={group.value}
            onChange={({ currentTarget }) => {
              group.value = GROUPS.find((one) => one === currentTarget.value) ?? "day";
            }}
          >
            {GROUPS.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <label class="field">
          Chart of
          <select
            value={measure.value}
            onChange={({ currentTarget }) => {
              measure.value = MEASURES.find(({ name }) => name === currentTarget.value)?.name ?? "amount";
            }}
          >
            {MEASURES.map(({ name, title }) => (
              <option key={name} value={name}>
                {title}
              </option>
            ))}
          </select>
        </label>
        <DayField label="From" day={from} />
        <DayField label="To" day={to} />
      </form>
      <Shown loaded={state.value}>{(table) => <Report table={table} measure={measure.value} />}</Shown>
    </>
  );
}

function DayField({ label, day }: { readonly label: string; readonly day: { value: string } }) {
  return (
    <label class="field">
      {label}
      <input
        type="date"
        value={day.value}
        onChange={({ currentTarget }) => {
          day.value = currentTarget.value;
        }}
      />
    </label>
  );
}

function Report({ table, measure }: { readonly table: UsageTable; readonly measure: MeasureName }) {
  const { title } = MEASURES.find(({ name }) => name === measure) ?? MEASURES[0];
  const [group = "day"] = table.group_by;
  const days = `${table.from} to ${table.to}, UTC`;
  if (table.data.length === 0) return <p>No video ended from {days}.</p>;
  return (
    <>
      <Bars title={`${title} by ${group}, ${days}`} bars={barsOf(table, measure)} />
      <Table
        title={`Usage by ${group}`}
        columns={[
          group === "day" ? "Day" : group === "key" ? "Key" : "Model",
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
      {table.has_more && <p>There are more rows: ask for fewer days.</p>}
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
