/** What Node adds to the engine. */

export * from "../engine/index.ts";
export { FolderFiles } from "./bundle-folder.ts";
export { type BundleObjects, digestIn, listBundles } from "./bundles/objects.ts";
export { type Pulled, type PullOptions, pullBundle, pulledFolder, pullManifest } from "./bundles/pull.ts";
export { type Pushed, pushBundle } from "./bundles/push.ts";
export { type BundleReference, bundleUrl, isBundleUrl, parseBundleUrl } from "./bundles/reference.ts";
export type { NegativeSource } from "./child.ts";
export { EMBEDDED_BUNDLE, EMBEDDED_PROFILES } from "./embedded.ts";
export { EmbeddingFolder, type EmbeddingFolderOptions } from "./embedding-cache.ts";
export { EngineChild, type EngineChildOptions, type EngineHooks } from "./engine-child.ts";
export { type OnnxNodeOptions, openOnnxNode } from "./onnx-runtime.ts";
export { type OpenedBackend, openBackend } from "./open-backend.ts";
export { type ProfilePlaces, profileFinder, profilePath, readProfileFile } from "./profiles.ts";
export type { EngineInfo, EngineOptions, EngineResult } from "./protocol.ts";
export { defaultThreads } from "./threads.ts";
export { type TorchOptions, type TorchWatch, torchWorker } from "./torch-worker.ts";
export {
  FetchedProfiles,
  type FetchedProfilesOptions,
  MAX_PROFILE_BYTES,
  observedObject,
  profileObject,
  usedObject,
} from "./warm/fetched-profiles.ts";
export { NegativeEmbeddings, type NegativeEmbeddingsOptions } from "./warm/negative-embeddings.ts";
export { readObject, type Timing } from "./warm/objects.ts";
export { type Observations, observationsOf, readObservations } from "./warm/observations.ts";
export { ObservedProfiles, type ObservedProfilesOptions } from "./warm/observed-profiles.ts";
export {
  type ListedProfile,
  listProfiles,
  pullProfile,
  pullUsed,
  pushProfile,
} from "./warm/profile-store.ts";
export { profileText } from "./warm/profile-text.ts";
export { writeWhole } from "./whole-file.ts";
