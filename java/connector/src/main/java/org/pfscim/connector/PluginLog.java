package org.pfscim.connector;

import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;

/** The logger of the plugin. */
final class PluginLog {

    /** Below the logger that PingFederate sends to provisioner.log, so that no configuration is needed. */
    static final Log LOG = LogFactory.getLog("com.pingidentity.provisioner.pfscim");

    private PluginLog() {
    }
}
