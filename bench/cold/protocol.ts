/** What a container of the bench tells: moments are Unix time in milliseconds. */

export type Told =
  /** It takes videos. */
  | { readonly type: "ready"; readonly atMs: number; readonly fetchedMs: number; readonly key: string }
  /** The first step of the first video is done. */
  | { readonly type: "first_step"; readonly atMs: number }
  /** The first video is made, with the profile of this digest. */
  | { readonly type: "made"; readonly profile: string | null };
