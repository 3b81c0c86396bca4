package com.pingidentity.provisioner.sdk;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A user that is passed to or from a connector: target id, enabled flag and values of fields. Not serializable. */
public class SaasUserData {
    private final String saasUserGuid;
    private String internalGuid;
    private boolean accountEnabled = true;
    private Map<String, List<String>> attributes = new LinkedHashMap<String, List<String>>();
    private final Map<String, Map<String, List<String>>> mapAttributes =
        new HashMap<String, Map<String, List<String>>>();
    private Set<String> maskedFields = new HashSet<String>();

    /** Creates a user with its target id, or null if it has no account yet. */
    public SaasUserData(String saasUserGuid) {
        this.saasUserGuid = saasUserGuid;
    }

    public String getSaasUserGuid() {
        return saasUserGuid;
    }

    /** Returns the id of the user in the source directory. */
    public String getInternalGuid() {
        return internalGuid;
    }

    public void setInternalGuid(String guid) {
        internalGuid = guid;
    }

    public boolean isAccountEnabled() {
        return accountEnabled;
    }

    public void setAccountEnabled(boolean enabled) {
        accountEnabled = enabled;
    }

    /** Returns the modifiable map of values by field code. */
    public Map<String, List<String>> getAttributeMap() {
        return attributes;
    }

    public void setAttributeMap(Map<String, List<String>> attributes) {
        this.attributes = attributes;
    }

    /** Returns the values of fields with raw directory attributes: field code, attribute, values. */
    public Map<String, Map<String, List<String>>> getMapAttributesMap() {
        return mapAttributes;
    }

    public void addAttribute(String code, String value) {
        addAttribute(code, Collections.singletonList(value));
    }

    public void addAttribute(String code, Collection<String> values) {
        List<String> known = attributes.get(code);
        if (known == null) {
            known = new ArrayList<String>();
            attributes.put(code, known);
        }
        known.addAll(values);
    }

    /** Returns the first value of a field, or null. */
    public String getAttributeFirstValue(String code) {
        List<String> values = attributes.get(code);
        return values == null || values.isEmpty() ? null : values.get(0);
    }

    /** Returns the values of a field, or null. */
    public List<String> getAttributeValues(String code) {
        return attributes.get(code);
    }

    /** Returns the codes of the fields whose values must not be logged. */
    public Set<String> getMaskedFields() {
        return maskedFields;
    }

    public void setMaskedFields(Set<String> codes) {
        maskedFields = codes;
    }

    /** Returns a description without values, because some of them may be masked. */
    @Override
    public String toString() {
        return "user " + saasUserGuid + (accountEnabled ? ", enabled, fields " : ", disabled, fields ")
            + attributes.keySet();
    }
}
