/** A field of a form: its label, what helps with it, and what is wrong with it, all tied together for who listens. */

import type { ComponentChildren } from "preact";

/** What the control inside a field takes. */
export interface ControlProps {
  readonly id: string;
  readonly "aria-describedby": string | undefined;
  readonly "aria-invalid": boolean | undefined;
}

export interface FieldProps {
  readonly id: string;
  readonly label: string;
  readonly help?: string | undefined;
  readonly problem: string | undefined;
  readonly children: (control: ControlProps) => ComponentChildren;
}

export function Field({ id, label, help, problem, children }: FieldProps) {
  const describedBy = [help && `${id}-help`, problem && `${id}-problem`].filter(Boolean).join(" ");
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({
        id,
        "aria-describedby": describedBy || undefined,
        "aria-invalid": problem === undefined ? undefined : true,
      })}
      {help && (
        <p class="help" id={`${id}-help`}>
          {help}
        </p>
      )}
      <Problem id={`${id}-problem`} sentence={problem} />
    </div>
  );
}

/** What is wrong, in a sentence; nothing where nothing is. */
export function Problem({ id, sentence }: { readonly id?: string; readonly sentence: string | undefined }) {
  if (sentence === undefined) return null;
  return (
    <p class="problem" id={id} role="alert">
      {sentence}
    </p>
  );
}
