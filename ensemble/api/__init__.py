"""The API: one photo in, the verdict out, the same JSON as `python -m ensemble inspect --json`.

    uvicorn ensemble.api:app --host 127.0.0.1 --port 8000

QUORUM_MODELS names the product's folder, the project's models/ by default; QUORUM_DEMO=1 asks for demo mode. An error
is `{"photo": NAME, "error": SENTENCE}`. FastAPI's pages under /docs are left out: they fetch scripts from elsewhere.
"""

import asyncio
import base64
import io
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, BinaryIO

from fastapi import FastAPI, Query, Request, UploadFile
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.routing import Route

from ensemble.api.doors import KnownQuery, UploadLimit, WaitingLine, address_of
from ensemble.api.parts import LONGEST_TRACE, AskedPart, judge_part
from ensemble.disk.home import HOME
from ensemble.imaging.photos import MAX_PHOTO_BYTES, Photo, open_photo
from ensemble.inspection.ahead import PixelRoom, declared_pixels
from ensemble.inspection.inspector import Inspector
from ensemble.inspection.shared import SharedInspector, Together
from ensemble.policies import SHIPPED_POLICIES, Policy, choose
from ensemble.records.recording import Inspected, recorder
from ensemble.records.values import Occasion
from ensemble.store import InForce, ModelStore
from ensemble.store.expected_views import ExpectedViews, expected_views
from ensemble.store.runtime_choice import chosen_runtime
from ensemble.values.errors import PhotoError, PolicyError, QuorumError, RecordsError
from ensemble.values.results import Verdict
from ensemble.values.safe_names import make_logs_legible, safe_name
from ensemble.values.trace import TRACE

MODELS_SETTING, DEMO_SETTING = "QUORUM_MODELS", "QUORUM_DEMO"
PROJECT_MODELS = HOME / "models"
AT_WORK = 16  # photos that are decoded, judged, kept and answered at a time: two passes of the models
MULTIPART_FRAME = 16_384  # bytes that may stand around the photo: boundaries, headers, a long name
NO_VIEWS = ExpectedViews()
FORM_LIMITS: Any = {"max_files": 1, "max_fields": 0}
ONE_PHOTO = "Expected one photo, and nothing beside it, in the field 'file' of a multipart/form-data request."
TOO_LARGE = f"The upload is too large (the limit is {MAX_PHOTO_BYTES // 1_000_000} MB): save the photo smaller."
OWN_FAULT = "Quorum itself failed on this photo: its log says why, and the next photo can still be sent."

WHAT = "Several models look at one photo of a part, each casts a vote, a policy turns the votes into a verdict."
WELCOME = {
    "name": "Quorum",
    "what": WHAT,
    "next": {
        "GET /health": "Which members can vote, which cannot and why, and which policies there are.",
        "POST /predict/": "One photo in the multipart field 'file'; ?policy=NAME chooses a policy, ?image=true also "
        "returns the picture that was judged, ?part=, serial=, lot=, station=, shift= and view= are kept with it.",
        "GET /part": "The verdict on a part by all its photos that are kept: ?part=ID, and lot= where ids come again.",
        "GET /openapi.json": "The same as a machine reads it.",
    },
    "example": "curl -F file=@part.jpg http://127.0.0.1:8000/predict/",
}
ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "The verdict, with every vote and every absent member."},
    413: {"description": "The upload is too large."},
    422: {"description": "The photo is refused, or the request is not understood; `error` says why in one sentence."},
    503: {
        "description": "There is no product that could judge, or too many photos are in line; `error` says why. Where "
        "there is a `Retry-After`, it says after how many seconds to send the photo again."
    },
}


class Asked(BaseModel):
    """What the address may ask for; anything else in it is an error, so that a misspelt policy is never ignored."""

    model_config = ConfigDict(extra="forbid")

    policy: str | None = Field(None, description="A policy's name; by default the product's first.")
    image: bool = Field(False, description="Whether to add the upright picture that was judged, as base64 PNG.")
    part: str = Field("", max_length=LONGEST_TRACE, description="The part's id, kept with the verdict.")
    serial: str = Field("", max_length=LONGEST_TRACE, description="The part's serial number, kept with the verdict.")
    lot: str = Field("", max_length=LONGEST_TRACE, description="The lot that the part is of, kept with the verdict.")
    station: str = Field("", max_length=LONGEST_TRACE, description="Where the photo was taken, kept with the verdict.")
    shift: str = Field("", max_length=LONGEST_TRACE, description="The shift, kept with the verdict.")
    view: str = Field("", max_length=LONGEST_TRACE, description="Which side of the part the photo shows.")


MAY_BE_ASKED = {"/predict": tuple(Asked.model_fields), "/part": tuple(AskedPart.model_fields)}


@dataclass(frozen=True, slots=True)
class LoadedProduct:
    """A product that is ready to judge, by its policies that count now."""

    name: str
    inspector: SharedInspector
    force: InForce
    views: ExpectedViews = NO_VIEWS


class CurrentProduct:
    """The product in a folder: loaded once, and again when a file of its members has changed."""

    def __init__(self, models: Path, *, demo: bool) -> None:
        self.demo = demo
        self._store = ModelStore(models)
        self._lock = threading.Lock()
        self._kept: tuple[tuple[str, int | None], SharedInspector] | None = None
        self._dummies = SharedInspector(Inspector.for_demo())

    def get(self) -> LoadedProduct:
        """The product as its files are now; a StoreError or PolicyError says why there is none."""
        if self.demo:
            return LoadedProduct("demo", self._dummies, InForce(SHIPPED_POLICIES))
        with self._lock:
            # Before loading: what changes meanwhile is loaded the next time. Files become a version without a change.
            key = self._store.fingerprint(), self._store.origin().version
            found = self._store.policies_in_force()
            if self._kept is None or self._kept[0] != key:
                self._kept = key, SharedInspector(Inspector.open(self._store))
            views = expected_views(self._store.folder)
            return LoadedProduct(self._store.product_name(), self._kept[1], found, views)

    def runtime(self) -> dict[str, Any]:
        """What carries photos through the networks, and why that."""
        return asdict(chosen_runtime(self._store.manifest()))


def build(models: Path, *, demo: bool = False) -> FastAPI:
    """The application for the product in a folder."""
    app = FastAPI(title="Quorum", description=WHAT, docs_url=None, redoc_url=None)
    app.add_middleware(UploadLimit, limit=MAX_PHOTO_BYTES + MULTIPART_FRAME)
    current = CurrentProduct(models, demo=demo)
    mark = {"demo": True} if demo else {}

    def refuse(status: int, error: object, name: str = "") -> JSONResponse:
        return JSONResponse({"photo": safe_name(name), "error": str(error), **mark}, status)

    @app.get("/")
    async def welcome() -> dict[str, Any]:
        """What this is, and what to do next."""
        return {**WELCOME, "demo": demo}

    @app.get("/health", responses={503: {"description": "No member can vote; `reason` says why."}})
    def health() -> JSONResponse:
        """Which members can vote, which cannot and why, and which policies there are."""
        state = _health(current)
        return JSONResponse(state, 200 if state["status"] == "ready" else 503)

    _answer_photos(app, current, refuse)
    _answer_parts(app, current, mark)
    _answer_refusals(app, refuse, mark)
    routes = [route for route in app.routes if isinstance(route, Route)]
    known: dict[str, Sequence[str]] = {address_of({"path": route.path}): () for route in routes}
    app.add_middleware(KnownQuery, known=known | MAY_BE_ASKED, refuse=refuse)
    app.add_middleware(WaitingLine, path="/predict", refuse=refuse)
    return app


def _answer_photos(app: FastAPI, current: CurrentProduct, refuse: Callable[..., JSONResponse]) -> None:
    """Photos that are to be judged."""
    # Photos are decoded and answers written in threads, the models and the history serve all of them in turn, and the
    # other addresses answer meanwhile.
    judge = ThreadPoolExecutor(max_workers=AT_WORK, thread_name_prefix="judge")
    room = PixelRoom()

    @app.post("/predict", include_in_schema=False, form_limits=FORM_LIMITS)
    @app.post("/predict/", responses=ANSWERS, form_limits=FORM_LIMITS)
    async def predict(file: UploadFile, asked: Annotated[Asked, Query()]) -> JSONResponse:
        """The verdict on one photo."""

        def answer() -> JSONResponse:
            try:
                product = current.get()
            except QuorumError as error:
                return refuse(503, error, file.filename or "")
            try:
                return JSONResponse(_judge_upload(product, file.file, file.filename or "", asked, room))
            except RecordsError as error:
                return refuse(503, error, file.filename or "")
            except (PhotoError, PolicyError) as error:
                return refuse(413 if (file.size or 0) >= MAX_PHOTO_BYTES else 422, error, file.filename or "")

        return await asyncio.get_running_loop().run_in_executor(judge, answer)


def _answer_parts(app: FastAPI, current: CurrentProduct, mark: Mapping[str, bool]) -> None:
    """What is asked about parts of several views."""

    @app.get("/part", responses={404: {"description": "No photo of that part is kept."}})
    def part(asked: Annotated[AskedPart, Query()]) -> JSONResponse:
        """The verdict on a part by all its photos that are kept: the worst view decides, and none may be missing."""
        try:
            product = current.get()
            found = judge_part(product.name, product.views.names, asked)
        except QuorumError as error:
            return JSONResponse({"part": asked.part, "error": str(error), **mark}, 503)
        if found is None:
            return JSONResponse({"part": asked.part, "error": f"No photo of part {asked.part} is kept."}, 404)
        return JSONResponse(found.as_json())


def _answer_refusals(app: FastAPI, refuse: Callable[..., JSONResponse], mark: Mapping[str, bool]) -> None:
    """Every error is one sentence in JSON: what was asked wrongly, what is not answered here, a fault of our own."""

    @app.exception_handler(RequestValidationError)
    async def not_understood(_: Request, error: RequestValidationError) -> JSONResponse:
        return refuse(422, _error_sentence(error))

    @app.exception_handler(HTTPException)
    async def not_taken(request: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == 413:
            return refuse(413, TOO_LARGE)
        if error.status_code == 400:  # whatever the body's parser has stumbled over
            return refuse(422, ONE_PHOTO)
        reason = f"{request.method} {request.url.path} is not answered here: GET / says what is."
        return JSONResponse({"error": reason, **mark}, error.status_code, error.headers)

    @app.exception_handler(Exception)
    async def own_fault(_: Request, __: Exception) -> JSONResponse:
        return refuse(500, OWN_FAULT)


def _health(current: CurrentProduct) -> dict[str, Any]:
    state: dict[str, Any] = {"product": None, "members": [], "absent": [], "policies": [], "demo": current.demo}
    try:
        product = current.get()
    except QuorumError as error:
        return {"status": "not ready", "reason": str(error), **state}
    state |= {
        "product": product.name,
        "members": list(product.inspector.alone.names()),
        "absent": [absence.as_json() for absence in product.inspector.alone.absent],
        "policies": [policy.name for policy in product.force.policies],
        **({} if current.demo else {"runtime": current.runtime()}),
        **({"problem": product.force.problem} if product.force.problem else {}),
    }
    if not state["members"]:
        return {"status": "not ready", "reason": "No member can vote: mend what is absent, or train anew.", **state}
    return {"status": "ready", **state}


def _judge_upload(product: LoadedProduct, file: BinaryIO, name: str, asked: Asked, room: PixelRoom) -> dict[str, Any]:
    policy = choose(product.force.policies, asked.policy)
    data = file.read()
    with room.holding(declared_pixels(data)):
        photo = open_photo(data, name, product.inspector.alone.view)
        trace = product.views.trace_of(name, {field: getattr(asked, field) for field in TRACE})
        inspected = Inspected(photo, data, product.inspector.inspect([photo], policy)[0], trace)
        verdict = _keep_together([inspected], policy)[0].as_json()
        return verdict | {"image": _image(photo)} if asked.image else verdict


def _keep_of_api(inspected: Sequence[Inspected], policy: Policy) -> list[Verdict]:
    return recorder().keep(inspected, policy, Occasion("API"))


_keep_together = Together(_keep_of_api)


def _image(photo: Photo) -> dict[str, str]:
    buffer = io.BytesIO()
    photo.picture.save(buffer, "PNG", compress_level=1)  # twice as fast as the default, a third larger
    return {"media_type": "image/png", "base64": base64.b64encode(buffer.getvalue()).decode()}


def _error_sentence(error: RequestValidationError) -> str:
    for problem in error.errors():
        place, *path = problem["loc"]
        if place == "query":
            name = ".".join(map(str, path))
            known = ", ".join(Asked.model_fields)
            return f"The address cannot carry {name}={problem['input']}: {problem['msg']}. It may carry {known}."
    return ONE_PHOTO


make_logs_legible()
app = build(Path(os.environ.get(MODELS_SETTING) or PROJECT_MODELS), demo=os.environ.get(DEMO_SETTING) == "1")
