package com.pingidentity.provisioner.store;

/** The engine's handle on one stored user: declared because signatures name it; a connector has no use for it. */
public class UserUpdater {
}
