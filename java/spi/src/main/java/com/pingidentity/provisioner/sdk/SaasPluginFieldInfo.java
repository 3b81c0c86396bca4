package com.pingidentity.provisioner.sdk;

import com.pingidentity.provisioner.mapping.FieldInfo;

/** A field of the attribute mapping screen, from the list of a connector. */
public class SaasPluginFieldInfo extends FieldInfo {
    private static final long serialVersionUID = 1L;

    public SaasPluginFieldInfo(String code, String label) {
        super(code, label);
    }

    /** The order of the two flags is not documented; use the setters instead. */
    public SaasPluginFieldInfo(String code, String label, boolean required, boolean unique) {
        super(code, label, required, unique);
    }

    /** The order of flags and lengths is not documented; use the setters instead. */
    public SaasPluginFieldInfo(String code, String label, boolean required, boolean unique, int minLength,
        int maxLength, String regEx) {
        super(code, label, required, unique, minLength, maxLength, regEx);
    }
}
