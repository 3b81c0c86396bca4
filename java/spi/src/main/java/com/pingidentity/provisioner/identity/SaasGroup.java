package com.pingidentity.provisioner.identity;

/** A group as the engine holds it: declared because signatures name it; a connector has no use for it. */
public class SaasGroup {
}
