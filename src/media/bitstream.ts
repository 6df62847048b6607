/** The little of H.264 and AV1 that a container needs to know about what it carries. */

/** H.264 unit types that belong into the sample description and not into the samples. */
const SPS = 7;
const PPS = 8;

/** The units of an Annex B stream, without their start codes, as views. */
export function annexBUnits(stream: Uint8Array): Uint8Array[] {
  const starts: { readonly code: number; readonly unit: number }[] = [];
  for (let at = 0; at + 2 < stream.byteLength; at++) {
    if (stream[at] === 0 && stream[at + 1] === 0 && stream[at + 2] === 1) {
      // A fourth, leading zero belongs to the start code.
      starts.push({ code: at > 0 && stream[at - 1] === 0 ? at - 1 : at, unit: at + 3 });
      at += 2;
    }
  }
  return starts.map(({ unit }, index) => stream.subarray(unit, starts[index + 1]?.code));
}

/** The `avcC` record of 8-bit 4:2:0 H.264, with its codec string. */
export interface AvcConfiguration {
  /** Such as `avc1.64001f`. */
  readonly codec: string;
  /** ISO/IEC 14496-15, AVCDecoderConfigurationRecord. */
  readonly record: Uint8Array;
}

/**
 * Makes the `avcC` record from Annex B parameter sets.
 * @throws RangeError when there is no sequence or picture parameter set.
 */
export function avcConfiguration(parameterSets: Uint8Array): AvcConfiguration {
  const units = annexBUnits(parameterSets);
  const sps = units.find((unit) => ((unit[0] ?? 0) & 31) === SPS);
  const pps = units.find((unit) => ((unit[0] ?? 0) & 31) === PPS);
  if (sps === undefined || pps === undefined || sps.byteLength < 4) {
    throw new RangeError("The H.264 encoder gave no parameter sets.");
  }
  const profileAndLevel = sps.subarray(1, 4);
  const lengthOf = (unit: Uint8Array) => [unit.byteLength >> 8, unit.byteLength & 255];
  // 0xff: units have 4-byte lengths. 0xe1: one sequence parameter set follows.
  const record = [1, ...profileAndLevel, 0xff, 0xe1, ...lengthOf(sps), ...sps, 1, ...lengthOf(pps), ...pps];
  // The high profile also says: 4:2:0, 8 bits of luma, 8 of chroma, no extensions.
  if (profileAndLevel[0] === 100) record.push(0xfd, 0xf8, 0xf8, 0);
  return { codec: `avc1.${hexOf(profileAndLevel)}`, record: Uint8Array.from(record) };
}

/** An Annex B picture as MP4 keeps it: 4-byte lengths for start codes, no parameter sets. */
export function avcSample(picture: Uint8Array): Uint8Array {
  const units = annexBUnits(picture).filter((unit) => {
    const type = (unit[0] ?? 0) & 31;
    return type !== SPS && type !== PPS;
  });
  const out = new Uint8Array(units.reduce((sum, unit) => sum + 4 + unit.byteLength, 0));
  const view = new DataView(out.buffer);
  let at = 0;
  for (const unit of units) {
    view.setUint32(at, unit.byteLength);
    out.set(unit, at + 4);
    at += 4 + unit.byteLength;
  }
  return out;
}

/**
 * An AV1 temporal unit as MP4 keeps it: without the temporal delimiter that opens it in a stream
 * (AV1-ISOBMFF 2.4: "should not be present").
 */
export function av1Sample(temporalUnit: Uint8Array): Uint8Array {
  return temporalUnit[0] === 0x12 && temporalUnit[1] === 0 ? temporalUnit.subarray(2) : temporalUnit;
}

/**
 * The codec string of 8-bit main-profile AV1, such as `av01.0.04M.08`, from a sequence header OBU at the
 * start of `sample`: the container must state the level and tier that the stream states.
 * @throws RangeError when `sample` does not start with a sequence header of the plain kind that encoders
 *   write (main profile, no timing information).
 */
export function av1CodecString(sample: Uint8Array): string {
  const header = sample[0] ?? 0;
  const isSequenceHeader = ((header >> 3) & 15) === 1;
  const hasExtension = (header & 4) !== 0;
  const hasSize = (header & 2) !== 0;
  let at = hasExtension ? 2 : 1;
  // A LEB128 size: its last byte has no top bit.
  if (hasSize) {
    while (((sample[at] ?? 0) & 128) !== 0) at++;
    at++;
  }
  const bits = (offset: number, count: number) => {
    let value = 0;
    for (let bit = offset; bit < offset + count; bit++) {
      value = value * 2 + (((sample[at + (bit >> 3)] ?? 0) >> (7 - (bit & 7))) & 1);
    }
    return value;
  };
  const profile = bits(0, 3);
  const reduced = bits(4, 1) === 1;
  const hasTimingInfo = !reduced && bits(5, 1) === 1;
  if (!isSequenceHeader || profile !== 0 || hasTimingInfo) {
    throw new RangeError("The AV1 encoder gave no sequence header of the expected kind.");
  }
  // Reduced: the level follows at once. Else: display-delay flag, count of points (5), idc (12), level (5).
  const level = reduced ? bits(5, 5) : bits(24, 5);
  const tier = !reduced && level > 7 && bits(29, 1) === 1 ? "H" : "M";
  return `av01.0.${String(level).padStart(2, "0")}${tier}.08`;
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
