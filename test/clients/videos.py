"""The stock `openai` client of Python, unmodified, against a running server.

    python test/clients/videos.py http://127.0.0.1:8080/v1 mx_…

Prints one JSON object of what it saw; `test/contract/python-client.test.ts` judges it.
"""

import io
import json
import sys
import time

import openai
from openai import OpenAI


def main(base_url: str, api_key: str) -> None:
    client = OpenAI(base_url=base_url, api_key=api_key)
    created = client.videos.create(
        prompt="a red circle",
        model="shapes",
        seconds="2",
        size="64x64",
        extra_body={"seed": 7, "cache": {"policy": "mixcache", "speed": 2}, "metadata": {"shot": "7"}},
    )
    video = created
    while video.status in ("queued", "in_progress"):
        time.sleep(0.05)
        video = client.videos.retrieve(created.id)
    content = client.videos.download_content(video.id).read()
    thumbnail = client.videos.download_content(video.id, variant="thumbnail").read()
    polled = client.videos.create_and_poll(prompt="a blue square", poll_interval_ms=50)
    listed = [one.id for one in client.videos.list(limit=1)]
    remixed = client.videos.remix(polled.id, prompt="a green square")
    deleted = client.videos.delete(video.id)

    def refusal(work):
        try:
            work()
        except openai.APIStatusError as error:
            return [type(error).__name__, error.status_code, error.code, error.param, error.request_id is not None]
        return None

    print(
        json.dumps(
            {
                "version": openai.__version__,
                "created": created.model_dump(),
                "video": video.model_dump(),
                "magic": content[:4].decode("latin-1"),
                "bytes": len(content),
                "thumbnail_bytes": len(thumbnail),
                "polled": polled.status,
                "listed": listed,
                "polled_id": polled.id,
                "deleted": deleted.model_dump(),
                "remixed": remixed.model_dump(),
                "refusals": {
                    "size": refusal(lambda: client.videos.create(prompt="x", size="1280x720")),
                    "picture": refusal(
                        lambda: client.videos.create(
                            prompt="x", input_reference=("a.png", io.BytesIO(b"png"), "image/png")
                        )
                    ),
                    "gone": refusal(lambda: client.videos.retrieve(video.id)),
                    "key": refusal(lambda: client.with_options(api_key="mx_wrong").videos.list()),
                },
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:3])
