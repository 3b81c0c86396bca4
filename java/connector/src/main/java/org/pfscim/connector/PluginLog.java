package org.pfscim.connector;

import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;

/** The logger of the plugin. */
final class PluginLog {

    /** PingFederate writes the logger com.pingidentity.provisioner to provisioner.log, so this name needs no configuration. */
    static final Log LOG = LogFactory.getLog("com.pingidentity.provisioner.pfscim");

    private PluginLog() {
    }
}
