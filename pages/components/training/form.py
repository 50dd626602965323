"""What to train: the product, the photos, how thoroughly, and on demand which members on which backbones."""

from pathlib import Path

import streamlit as st

from ensemble.members import KINDS
from ensemble.training.recipe import BALANCED, PROFILES, QUICK, THOROUGH
from ensemble.values.digits import about_so_long
from ensemble.values.language import Message, _, worded
from ensemble.values.training import DEFAULT_BACKBONES, TrainingRequest
from pages.components.common.person import show_name_field
from pages.components.common.progress import show_work
from pages.components.common.sheet import as_markdown
from pages.session import collections, owners, products, trainings

NEW = Message("New product")
PROFILE_TITLES = {
    QUICK: Message("Quick · {time}"),
    BALANCED: Message("Balanced · {time}"),
    THOROUGH: Message("Thorough · {time}"),
}
BALANCES = {
    "weights": Message("Weight classes (default)"),
    "undersample": Message("Same number of photos per class"),
    "none": Message("Ignore"),
}


def show_training_form() -> None:
    """Show what can be chosen and the button that starts."""
    teachers = trainings.teachers()
    ready = [each for each in teachers if not each.obstacle]
    if not teachers:
        st.info(_("No photos yet. Import photos under **Data**."), icon=":material/photo:")
        _show_way_to_data(_("Import photos"), collections.BRING_IN)
        return
    if not ready:
        st.info(_("None of the photos are ready for training."), icon=":material/photo:")
        _show_blocked(teachers)
        _show_way_to_data(_("Prepare the photos"), collections.OVERVIEW)
        return
    teacher, name = _show_source(ready)
    _show_blocked(teachers)
    _show_waiting(teacher)
    kinds, obstacles = trainings.kinds_for(teacher.data)
    profile = _show_profiles(teacher.data, kinds)
    chosen, backbones, balance, seed = _show_details(kinds, obstacles, profile)
    author = show_name_field("training_author", width=260)
    settings = TrainingRequest(
        data=str(teacher.data),
        models=str(trainings.product_folder(name)),
        product=name.strip(),
        kinds=tuple(chosen),
        backbones=tuple(backbones),
        profile=profile,
        seed=seed,
        balance=balance,
    )
    pressed = st.button(  # no callback: it would get what was chosen when the page was last shown
        _("Start training"),
        type="primary",
        icon=":material/model_training:",
        disabled=not name.strip() or not chosen,
        key="start_training",
    )
    if pressed:
        trainings.start_training(settings, author)
        st.rerun()
    lasts = about_so_long(trainings.seconds_of(teacher.data, chosen, backbones, profile, seed))
    st.caption(
        _("Takes {time}. Runs in the background. The active model does not change until you publish.", time=lasts)
    )


def _show_profiles(data: Path, kinds: tuple[str, ...]) -> str:
    """Show the profiles, each with how long it takes on these photos; the one that was chosen."""
    profile = st.segmented_control(
        _("Profile"),
        list(PROFILES),
        default=BALANCED,
        required=True,
        format_func=lambda each: _with_time(each, data, kinds),
        key="training_profile",
    )
    st.caption(as_markdown(PROFILES[profile].sentence))
    return profile


def _with_time(profile: str, data: Path, kinds: tuple[str, ...]) -> str:
    """A profile's title, and how long its own models take on these photos."""
    backbones = st.session_state.get("training_backbones", trainings.backbones_here())
    seconds = trainings.seconds_of(data, _kinds_of(profile, kinds), backbones, profile, 0)
    return worded(Message(PROFILE_TITLES[profile], time=about_so_long(seconds)))


def _kinds_of(profile: str, kinds: tuple[str, ...]) -> tuple[str, ...]:
    """The models of a profile that can be trained; few photos teach few kinds."""
    return tuple(kind for kind in kinds if kind in PROFILES[profile].kinds) or kinds


def _show_way_to_data(label: str, step: str) -> None:
    st.page_link(
        "pages/screens/data.py",
        label=label,
        icon=":material/photo_library:",
        query_params={collections.STEP: str(step)},
    )


def _show_source(ready: list[trainings.Teacher]) -> tuple[trainings.Teacher, str]:
    """Show the pickers of photos and product; the photos of the chosen product are the default, and a product that
    others belong to is the default for those."""
    by_name = {each.name: each for each in ready}
    default = ready[0].name
    trainings.reset_choice("training_data", list(by_name), default, f"{owners.product_called()} {default}")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        picked = st.selectbox(
            _("Photos"),
            list(by_name),
            format_func=lambda each: worded(by_name[each].name),
            key="training_data",
            filter_mode=None,
            width=300,
        )
        teacher = by_name[picked]
        targets = [*products.products(), NEW]
        product: str = NEW
        if targets[1:]:
            trainings.reset_choice("training_product", targets, teacher.product or NEW, teacher.name)
            product = st.selectbox(
                _("Product"), targets, format_func=worded, key="training_product", filter_mode=None, width=260
            )
        name = product
        if product == NEW:
            name = st.text_input(
                _("Product name"),
                value=teacher.name if teacher.name != trainings.SAMPLE_PHOTOS else "",
                width=260,
                key=f"training_name {teacher.name}",
            )
    if product not in {NEW, teacher.product}:
        _show_whose(teacher, product)
    if name.strip() and trainings.is_viewed(name.strip()):
        st.caption(_("Uses the view that was drawn under **Data**, **View**."))
    return teacher, name


def _show_whose(teacher: trainings.Teacher, product: str) -> None:
    """Say that the photos are not known to be those of the product that they are to train."""
    photos, owner = worded(teacher.name), teacher.product
    said = _(
        "{photos} belongs to no known product. Check that the photos show {product}.",
        photos=photos,
        product=product,
    )
    if owner:
        said = _(
            "{photos} belongs to the product {owner}. Check that the photos show {product}.",
            photos=photos,
            owner=owner,
            product=product,
        )
    st.warning(as_markdown(said), icon=":material/call_split:")


def _show_blocked(teachers: list[trainings.Teacher]) -> None:
    """Say of what cannot be trained on why, or how far the work is that still brings its photos in."""
    for each in teachers:
        show_work(f"import {each.data}")
        if each.obstacle:
            st.caption(
                as_markdown(_("Not ready for training: {name}. {obstacle}", name=each.name, obstacle=each.obstacle))
            )


def _show_waiting(teacher: trainings.Teacher) -> None:
    """Say what training would not learn from: confirmed mistakes that wait, and photos that could not be found."""
    if missing := trainings.missing_of(teacher.data):
        st.caption(as_markdown(missing))
    waiting = trainings.waiting_mistakes(teacher.data)
    if not waiting:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="waiting_mistakes"):
        st.markdown(_("**{count} checked photo**", "**{count} checked photos**", count=waiting))
        st.button(
            _("Add to training set"),
            icon=":material/move_down:",
            on_click=trainings.pull_into_training,
            args=(teacher.data,),
            key="training_pull",
        )


def _show_details(kinds: tuple[str, ...], obstacles: list[str], profile: str) -> tuple[list[str], list[str], str, int]:
    with st.expander(_("Models, backbones, seed"), icon=":material/tune:"):
        chosen = st.multiselect(
            _("Models"),
            kinds,
            default=_kinds_of(profile, kinds),
            format_func=lambda kind: worded(KINDS[kind].title),
            key=f"training_kinds {profile} {' '.join(kinds)}",
        )
        for sentence in obstacles:
            st.caption(as_markdown(sentence))
        here, away, notes = trainings.backbones()
        backbones = st.multiselect(
            _("Backbones"),
            [*here, *away],
            default=[each for each in DEFAULT_BACKBONES if each in here],
            format_func=lambda each: each if each in here else _("{name} (download)", name=each),
            key="training_backbones",
        )
        for sentence in notes:
            st.caption(as_markdown(sentence))
        if any(each in away for each in backbones):
            st.caption(_("Missing weights are downloaded when the training starts."))
        balance = st.selectbox(
            _("Class imbalance"),
            list(BALANCES),
            format_func=lambda each: worded(BALANCES[each]),
            key="training_balance",
            filter_mode=None,
        )
        seed = st.number_input(_("Seed"), 0, 10_000, 0, key="training_seed", width=140)
    return list(chosen), list(backbones), str(balance), int(seed)
