package com.pingidentity.provisioner.store;

/** The engine's handle on its user store: declared because signatures name it; a connector has no use for it. */
public class UserStoreUpdater {
}
