"""Quorum on Streamlit Community Cloud: the same dashboard, which a visitor meets in demo mode."""

import runpy
import sys
from pathlib import Path

import streamlit as st

ROOT = Path(__file__).resolve().parents[2]
MET = "_met_in_demo_mode"

if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))
if MET not in st.session_state:  # the switch in the sidebar stays the visitor's own
    st.session_state[MET] = True
    st.session_state["demo"] = True
runpy.run_path(str(ROOT / "streamlit_app.py"))
