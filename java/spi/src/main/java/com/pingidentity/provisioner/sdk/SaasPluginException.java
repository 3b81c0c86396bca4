package com.pingidentity.provisioner.sdk;

import com.pingidentity.provisioner.saas.SaasException;

/** Reports the failure of a connector's call. If the flag is true, the engine stops the cycle. */
public class SaasPluginException extends SaasException {
    private static final long serialVersionUID = 1L;

    public SaasPluginException() {
    }

    public SaasPluginException(String message) {
        super(message);
    }

    public SaasPluginException(Throwable cause) {
        super(cause);
    }

    public SaasPluginException(String message, Throwable cause) {
        super(message, cause);
    }

    public SaasPluginException(String message, boolean stopSession) {
        super(message, stopSession);
    }

    public SaasPluginException(String message, Throwable cause, boolean stopSession) {
        super(message, cause, stopSession);
    }
}
