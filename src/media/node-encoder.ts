/**
 * FFmpeg's encoders for mediabunny, with every setting that decides the bytes fixed.
 *
 * `@mediabunny/server` brings encoders of its own, but lets nobody set the thread count (automatic: other
 * bytes on a machine with other cores), the quality scale or the colour tags. This one is registered
 * before them. Only `loadCodecs` in `mp4.ts` imports this file: both packages below are optional.
 */

import { registerMediabunnyServer, toAvFrame } from "@mediabunny/server";
import {
  CustomVideoEncoder,
  EncodedPacket,
  registerEncoder,
  type VideoCodec,
  type VideoSample,
} from "mediabunny";
import * as av from "node-av";
import { av1CodecString, av1Sample, avcConfiguration, avcSample } from "./bitstream.ts";
import { COLOR_SPACE } from "./yuv.ts";

interface EncoderChoice {
  /** FFmpeg's name of the encoder. */
  readonly name: string;
  /** FFmpeg's options; numbers as FFmpeg reads them. */
  readonly options: Readonly<Record<string, string>>;
}

/**
 * Constant quality, chosen visually clean: the videos are small, so that bytes matter less than edges.
 * One thread each: how many threads work changes how a picture is cut and predicted.
 */
const ENCODERS: Partial<Record<VideoCodec, EncoderChoice>> = {
  avc: {
    name: "libx264",
    options: { preset: "slow", crf: "14", profile: "high", "forced-idr": "1", "x264-params": "threads=1" },
  },
  vp9: {
    name: "libvpx-vp9",
    options: { deadline: "good", "cpu-used": "2", crf: "16", "row-mt": "0" },
  },
  av1: {
    name: "libsvtav1",
    options: { preset: "6", crf: "16", "svtav1-params": "lp=1" },
  },
};

/** Seconds between frames that a player can seek to. */
const KEY_FRAME_SECONDS = 2;

class FixedVideoEncoder extends CustomVideoEncoder {
  #context: av.CodecContext | undefined;
  /** What mediabunny asked, by frame number: FFmpeg counts frames, so that its clock has no rounding. */
  readonly #timings: { readonly timestamp: number; readonly duration: number }[] = [];
  #isFirstPacket = true;

  static override supports(codec: VideoCodec, config: VideoEncoderConfig): boolean {
    return ENCODERS[codec] !== undefined && config.alpha !== "keep";
  }

  async init(): Promise<void> {
    const choice = ENCODERS[this.codec];
    const codec = choice && av.Codec.findEncoderByName(choice.name as av.FFVideoEncoder);
    if (!choice || !codec) throw new Error(`FFmpeg was built without ${choice?.name ?? this.codec}.`);
    const context = new av.CodecContext();
    context.allocContext3(codec);
    this.#context = context;
    const framesPerSecond = this.config.framerate ?? 30;
    const rate = Math.round(framesPerSecond * 1000);
    context.width = this.config.width;
    context.height = this.config.height;
    context.pixelFormat = av.AV_PIX_FMT_YUV420P;
    context.timeBase = new av.Rational(1000, rate);
    context.framerate = new av.Rational(rate, 1000);
    context.gopSize = Math.max(1, Math.round(framesPerSecond * KEY_FRAME_SECONDS));
    // Without B-frames H.264 needs no edit list, which some players get wrong by a frame.
    if (this.codec === "avc") context.maxBFrames = 0;
    context.bitRate = 0n;
    context.threadCount = 1;
    context.colorPrimaries = av.AVCOL_PRI_BT709;
    context.colorTrc = av.AVCOL_TRC_BT709;
    context.colorSpace = av.AVCOL_SPC_BT709;
    context.colorRange = av.AVCOL_RANGE_MPEG;
    context.setFlags(av.AV_CODEC_FLAG_BITEXACT);
    // Parameter sets apart from the pictures, where MP4 wants them.
    if (this.codec === "avc") context.setFlags(av.AV_CODEC_FLAG_GLOBAL_HEADER);
    // SVT-AV1 greets on standard error; this is its own and only switch.
    if (this.codec === "av1") process.env.SVT_LOG ??= "1";
    for (const [name, value] of Object.entries(choice.options)) {
      av.FFmpegError.throwIfError(context.setOption(name, value), `Set ${choice.name} option ${name}`);
    }
    av.FFmpegError.throwIfError(await context.open2(codec), `Open ${choice.name}`);
  }

  async encode(sample: VideoSample, options: VideoEncoderEncodeOptions): Promise<void> {
    const context = this.#openContext();
    const frame = new av.Frame();
    frame.alloc();
    try {
      await toAvFrame(sample, frame);
      frame.pts = BigInt(this.#timings.length);
      frame.duration = 1n;
      frame.timeBase = context.timeBase;
      frame.pictType = options.keyFrame ? av.AV_PICTURE_TYPE_I : av.AV_PICTURE_TYPE_NONE;
      this.#timings.push({ timestamp: sample.timestamp, duration: sample.duration });
      av.FFmpegError.throwIfError(await context.sendFrame(frame), "Encode a frame");
    } finally {
      frame.free();
    }
    await this.#emitPackets(context);
  }

  async flush(): Promise<void> {
    const context = this.#openContext();
    av.FFmpegError.throwIfError(await context.sendFrame(null), "Finish the encoding");
    await this.#emitPackets(context);
  }

  close(): void {
    this.#context?.freeContext();
    this.#context = undefined;
  }

  #openContext(): av.CodecContext {
    if (this.#context === undefined) throw new Error("The encoder is closed.");
    return this.#context;
  }

  async #emitPackets(context: av.CodecContext): Promise<void> {
    const packet = new av.Packet();
    packet.alloc();
    try {
      while (true) {
        const result = await context.receivePacket(packet);
        if (result === av.AVERROR_EAGAIN || result === av.AVERROR_EOF) return;
        av.FFmpegError.throwIfError(result, "Receive an encoded frame");
        this.#emit(context, packet);
      }
    } finally {
      packet.free();
    }
  }

  #emit(context: av.CodecContext, packet: av.Packet): void {
    const timing = this.#timings[Number(packet.pts)];
    if (!packet.data || timing === undefined) throw new Error("The encoder gave an unknown frame.");
    // A copy: FFmpeg reuses the packet's memory.
    const raw = Uint8Array.from(packet.data);
    const data = this.codec === "avc" ? avcSample(raw) : this.codec === "av1" ? av1Sample(raw) : raw;
    const type = packet.isKeyframe ? "key" : "delta";
    const encoded = new EncodedPacket(data, type, timing.timestamp, timing.duration);
    if (!this.#isFirstPacket) {
      this.onPacket(encoded);
      return;
    }
    this.#isFirstPacket = false;
    this.onPacket(encoded, { decoderConfig: this.#decoderConfig(context, data) });
  }

  #decoderConfig(context: av.CodecContext, firstSample: Uint8Array): VideoDecoderConfig {
    const common = {
      codedWidth: context.width,
      codedHeight: context.height,
      colorSpace: COLOR_SPACE,
    };
    if (this.codec === "avc") {
      const { codec, record } = avcConfiguration(context.extraData ?? new Uint8Array());
      return { ...common, codec, description: record };
    }
    // VP9 does not state its level; the one that mediabunny derived from size and rate is what there is.
    return { ...common, codec: this.codec === "av1" ? av1CodecString(firstSample) : this.config.codec };
  }
}

let registered = false;

/** Registers FFmpeg's encoders (ours first) and decoders with mediabunny, once per process. */
export function registerNodeCodecs(): void {
  if (registered) return;
  registered = true;
  registerEncoder(FixedVideoEncoder);
  // No hardware: its encoders are not reproducible, and looking for it costs time.
  registerMediabunnyServer({ hardwareContext: () => null });
}
