"""What to train: the product, the photos, how thoroughly, and on demand which members on which backbones."""

import streamlit as st

from ensemble.errors import QuorumError
from ensemble.hyperparameters import PROFILES
from ensemble.jobs import Settings
from ensemble.members import KINDS
from pages.components import session
from pages.components.sheet import as_markdown

NEW = "A new product"
BALANCES = {
    "weights": "Rare classes weigh more, as usual",
    "undersample": "Learn from as many of each class as the rarest has",
    "none": "Learn from them as they are",
}


def show_training_form() -> None:
    """Show what can be chosen and the button that starts."""
    teachers = session.teachers()
    if not teachers:
        st.info("There are no photos to learn from yet. Bring some in on the screen **Data**.", icon=":material/photo:")
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        source = st.selectbox("Photos", list(teachers), key="training_data", filter_mode=None, width=300)
        products = list(session.products())
        product = (
            st.selectbox("Product", [*products, NEW], key="training_product", filter_mode=None, width=260)
            if products
            else NEW
        )
        name = product
        if product == NEW:
            name = st.text_input(
                "Its name",
                value=source if source != session.SAMPLE_PHOTOS else "",
                width=260,
                key=f"training_name {source}",
            )
    data = teachers[source]
    try:
        kinds, obstacles = session.kinds_for(data)
    except QuorumError as error:
        st.error(as_markdown(str(error)), icon=":material/report:")
        return
    profile = st.segmented_control(
        "How thoroughly",
        list(PROFILES),
        default="balanced",
        required=True,
        format_func=lambda each: PROFILES[each].title,
        key="training_profile",
    )
    st.caption(as_markdown(PROFILES[profile].sentence))
    chosen, backbones, balance, seed = _show_details(kinds, obstacles, profile)
    author = st.text_input("Your name", key="training_author", width=260)
    settings = Settings(
        data=str(data),
        models=str(session.product_folder(name)),
        product=name.strip(),
        kinds=tuple(chosen),
        backbones=tuple(backbones),
        profile=profile,
        seed=seed,
        balance=balance,
    )
    pressed = st.button(  # no callback: it would get what was chosen when the page was last shown
        "Start training",
        type="primary",
        icon=":material/model_training:",
        disabled=not name.strip() or not chosen,
        key="start_training",
    )
    if pressed:
        session.start_training(settings, author)
        st.rerun()
    st.caption("It runs beside the dashboard. What is in force stays so until you publish the new version.")


def _show_details(kinds: tuple[str, ...], obstacles: list[str], profile: str) -> tuple[list[str], list[str], str, int]:
    with st.expander("Members, backbones, seed", icon=":material/tune:"):
        chosen = st.multiselect(
            "Members",
            kinds,
            default=[kind for kind in kinds if kind in (PROFILES[profile].kinds or kinds)],
            format_func=lambda kind: KINDS[kind].title,
            key=f"training_kinds {profile} {' '.join(kinds)}",
        )
        for sentence in obstacles:
            st.caption(as_markdown(sentence))
        here, away = session.backbones()
        backbones = st.multiselect(
            "Backbones",
            [*here, *away],
            default=here[:1],
            format_func=lambda each: each if each in here else f"{each} (download)",
            key="training_backbones",
        )
        if any(each in away for each in backbones):
            st.caption("Weights that are not on this machine are downloaded when the training begins.")
        balance = st.selectbox(
            "Where classes differ in number",
            list(BALANCES),
            format_func=lambda each: BALANCES[each],
            key="training_balance",
            filter_mode=None,
        )
        seed = st.number_input("Seed", 0, 10_000, 0, key="training_seed", width=140)
    return list(chosen), list(backbones), str(balance), int(seed)
