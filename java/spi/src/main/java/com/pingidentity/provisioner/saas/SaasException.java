package com.pingidentity.provisioner.saas;

/** A failed call. Its flag says whether the engine stops the whole cycle or only this record. */
public class SaasException extends Exception {
    private static final long serialVersionUID = 1L;

    private String saasCode;
    private boolean stopSession;

    public SaasException() {
    }

    public SaasException(String message) {
        super(message);
    }

    public SaasException(Throwable cause) {
        super(cause);
    }

    public SaasException(String message, Throwable cause) {
        super(message, cause);
    }

    public SaasException(String message, boolean stopSession) {
        super(message);
        this.stopSession = stopSession;
    }

    public SaasException(String message, Throwable cause, boolean stopSession) {
        super(message, cause);
        this.stopSession = stopSession;
    }

    public void setSaasCode(String saasCode) {
        this.saasCode = saasCode;
    }

    public boolean isStopSession() {
        return stopSession;
    }

    public void setStopSession(boolean stopSession) {
        this.stopSession = stopSession;
    }
}
