"""Settings: those that come with `initialize`, and that they have changed."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from lsprotocol import types

from claude_agent_lsp.lsp.features.feature import Feature
from claude_agent_lsp.lsp.services.configuration import SECTION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from claude_agent_lsp.lsp.features.feature import Handler


class ConfigurationChanges(Feature):
    """Has the settings asked for anew once they have changed."""

    def handlers(self) -> Mapping[str, Handler]:
        """Handle `workspace/didChangeConfiguration`."""
        return {types.WORKSPACE_DID_CHANGE_CONFIGURATION: self._changed}

    def initialize(self, params: types.InitializeParams) -> None:
        """Take `initializationOptions.settings`."""
        self._services.configuration.begin(params.initialization_options)

    async def initialized(self) -> None:
        """Ask to be notified of changes, where the editor wants to be asked for it."""
        editor = self._services.editor
        if not editor.profile.dynamic_configuration:
            return
        registration = types.Registration(
            id="configuration",
            method=types.WORKSPACE_DID_CHANGE_CONFIGURATION,
            register_options={"section": SECTION},
        )
        with contextlib.suppress(Exception):  # it is asked anew after a restart, then
            await editor.request(
                types.CLIENT_REGISTER_CAPABILITY,
                types.RegistrationParams(registrations=[registration]),
            )

    def _changed(self, params: types.DidChangeConfigurationParams) -> None:
        self._services.configuration.change(params.settings)
